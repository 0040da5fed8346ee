package ports

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/userfarm/userfarm/domain"
)

func TestEveryAnswerToAClaimHasAnOutcome(t *testing.T) {
	want := []domain.Selector{{Env: "stage"}}
	for _, test := range []struct {
		err  error
		want string
	}{
		{nil, "granted"},
		{&domain.RepeatedError{}, "repeated"},
		{domain.Exhausted(want), "time_up"},
		{domain.ErrUserLocked, "time_up"},
		{context.Canceled, "left"},
		{context.DeadlineExceeded, "left"},
		{&UnavailableError{Reason: "its disk is full"}, "failed"},
		{errors.New("a bug"), "failed"},
		{domain.ErrNoMatch, "refused"},
		{domain.ErrUserNotFound, "refused"},
		{domain.ErrIdempotencyMismatch, "refused"},
	} {
		if got := Outcome(test.err); got != test.want {
			t.Errorf("the outcome of %v is %s, want %s", test.err, got, test.want)
		}
		if test.err == nil {
			continue
		}
		if got := Outcome(fmt.Errorf("memory: claim: %w", test.err)); got != test.want {
			t.Errorf("wrapped, the outcome of %v is %s, want %s", test.err, got, test.want)
		}
	}
}
