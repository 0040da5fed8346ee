package main

import (
	"errors"
	"testing"

	"github.com/userfarm/userfarm/adapters/client"
	"github.com/userfarm/userfarm/ports"
)

func TestAFarmThatAnswersIsNotLookedForElsewhere(t *testing.T) {
	f := &farmFlags{URL: "http://127.0.0.1:8000"}
	for status, want := range map[int]string{
		0: "pools: no answer\n" +
			"is http://127.0.0.1:8000 the right address? --url or USERFARM_URL names another one; userfarm serve starts a farm",
		503: "pools: no answer",
	} {
		err := &client.Error{Operation: "pools", Status: status, Detail: "no answer", Reason: ports.ErrUnavailable}
		if got := f.advise(err); got.Error() != want || !errors.Is(got, ports.ErrUnavailable) {
			t.Errorf("with status %d, people are told:\n%v", status, got)
		}
	}
}
