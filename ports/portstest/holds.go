package portstest

import (
	"fmt"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// CheckHolds returns an error unless a history tells of one hold at a time for each user: no event of a user is dated before
// the one before it, every acquire raises the fence by one, and none comes before the end of the hold before it. events are
// in the order of the history, whose beginning may have been forgotten.
func CheckHolds(events []domain.Event) error {
	latest := make(map[domain.UserID]domain.Event)
	held := make(map[domain.UserID]bool) // no entry if that is not known
	for _, e := range events {
		if e.UserID.IsZero() || e.Kind == domain.ClaimGaveUp {
			continue // it is about no lock
		}
		before, known := latest[e.UserID]
		latest[e.UserID] = e
		isHeld, heldKnown := held[e.UserID]
		begins, ends := e.Kind == domain.UserAcquired, endsHold(e.Kind)
		switch {
		case known && e.At.Before(before.At):
			return fmt.Errorf("an event is dated before the one before it:\n\t%+v\n\t%+v", before, e)
		case known && begins && e.Fence != before.Fence+1, known && !begins && e.Fence != before.Fence:
			return fmt.Errorf("the fence does not go on:\n\t%+v\n\t%+v", before, e)
		case heldKnown && isHeld && begins:
			return fmt.Errorf("a hold begins before the one before it ended:\n\t%+v\n\t%+v", before, e)
		case heldKnown && !isHeld && ends:
			return fmt.Errorf("a hold ends that did not begin:\n\t%+v\n\t%+v", before, e)
		case begins || ends:
			held[e.UserID] = begins
		case e.Kind == domain.UserRemoved:
			delete(latest, e.UserID)
			delete(held, e.UserID)
		}
	}
	return nil
}

// checkHolds is [CheckHolds] of all that happened in a test.
func (f *farm) checkHolds() {
	f.Helper()
	var events []domain.Event
	for _, e := range f.wholeHistory() {
		events = append(events, e.Event)
	}
	f.must(CheckHolds(events))
}

// wholeHistory returns all events.
func (f *farm) wholeHistory() (all []ports.RecordedEvent) {
	f.Helper()
	for q := (ports.EventQuery{Limit: 1000}); ; {
		page, err := f.store.Events(f.Context(), q)
		f.must(err)
		all = append(all, page.Events...)
		if q.After = page.Next; q.After == 0 {
			return all
		}
	}
}

func endsHold(kind domain.EventKind) bool {
	return kind == domain.UserReleased || kind == domain.UserExpired || kind == domain.UserForced
}
