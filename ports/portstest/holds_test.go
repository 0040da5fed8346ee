package portstest

import (
	"testing"
	"time"

	"github.com/userfarm/userfarm/domain"
)

func TestCheckHoldsFindsHistoriesOfTwoHoldersAtATime(t *testing.T) {
	at := func(ms int64, kind domain.EventKind, fence uint64) domain.Event {
		return domain.Event{At: time.UnixMilli(ms), Kind: kind, UserID: domain.UserID{1}, Fence: fence}
	}
	created, acquired, released, again := at(1, domain.UserCreated, 0), at(2, domain.UserAcquired, 1), at(3, domain.UserReleased, 1), at(3, domain.UserAcquired, 2)
	for _, test := range []struct {
		name   string
		events []domain.Event
		ok     bool
	}{
		{"one hold after the other", []domain.Event{created, acquired, released, again}, true},
		{"a beginning that was forgotten", []domain.Event{released, again}, true},
		{"a hold that begins before the other ends", []domain.Event{created, acquired, again, released}, false},
		{"a hold that ends twice", []domain.Event{acquired, released, released}, false},
		{"a fence twice", []domain.Event{acquired, released, acquired}, false},
		{"a fence that was left out", []domain.Event{acquired, released, at(4, domain.UserAcquired, 3)}, false},
		{"a time before the event before it", []domain.Event{created, acquired, released, at(2, domain.UserAcquired, 2)}, false},
	} {
		if err := CheckHolds(test.events); (err == nil) != test.ok {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}
