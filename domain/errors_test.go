package domain_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/userfarm/userfarm/domain"
)

func TestErrorsAboutSelectorsNameThemAndTheirReason(t *testing.T) {
	for _, test := range []struct {
		err    error
		reason error
		names  string
	}{
		{&domain.UnmatchedError{Reason: domain.ErrNoMatch, Selectors: []int{0, 3}}, domain.ErrNoMatch, "selectors 0, 3"},
		{&domain.UnmatchedError{Reason: domain.ErrPoolExhausted, Selectors: []int{7}}, domain.ErrPoolExhausted, "selector 7"},
		{&domain.SelectorError{Reason: domain.ErrUserLocked, Selector: 2}, domain.ErrUserLocked, "selector 2"},
	} {
		wrapped := fmt.Errorf("store: claim: %w", test.err)
		if !errors.Is(wrapped, test.reason) {
			t.Errorf("%v is not a %v", wrapped, test.reason)
		}
		if text := wrapped.Error(); !strings.Contains(text, test.reason.Error()) || !strings.Contains(text, test.names) {
			t.Errorf("%q names neither its reason nor %s", text, test.names)
		}
	}
}
