package domain_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/userfarm/userfarm/domain"
)

func TestADuplicateStaysInQuarantineUntilTheMarkIsGone(t *testing.T) {
	user, older := newUser("Ann", nil), newUser("ann", nil)
	user.MarkDuplicate(noon, older.ID())
	view := user.View(noon)
	if view.Status != domain.Quarantined || !strings.Contains(view.Quarantine.Reason, older.ID().String()) {
		t.Errorf("a duplicate is %s: %+v", view.Status, view.Quarantine)
	}
	events := user.Events()
	if last := events[len(events)-1]; last.Kind != domain.UserQuarantined || last.Reason != view.Quarantine.Reason || last.At != noon {
		t.Errorf("the last event of a duplicate is %+v", last)
	}
	before := len(events)
	if err := user.Restore(noon, "I need it"); !errors.Is(err, domain.ErrUserExists) {
		t.Errorf("restore of a duplicate = %v", err)
	}
	if user.Status(noon) != domain.Quarantined || len(user.Events()) != before {
		t.Error("a refused restore did something")
	}

	state := user.Snapshot()
	state.Duplicate = false // as the store does when the older user is removed
	user = domain.Restore(state)
	must(t, user.Restore(noon, ""))
	if user.Status(noon) != domain.Free {
		t.Errorf("a user that is no duplicate anymore is %s after a restore", user.Status(noon))
	}
}

func TestAHolderKeepsADuplicate(t *testing.T) {
	user, older := newUser("Ann", nil), newUser("ann", nil)
	lease := grant(t, noon, time.Minute, user)
	user.MarkDuplicate(noon, older.ID())
	must(t, domain.Release(noon.Add(time.Second), lease.ID, []*domain.User{user}))
	if user.Status(noon.Add(time.Second)) != domain.Quarantined {
		t.Error("a duplicate is free once its holder has released it")
	}
}

func TestADuplicateKeepsTheTimeSinceWhichItIsInQuarantine(t *testing.T) {
	user, older := newUser("Ann", nil), newUser("ann", nil)
	must(t, user.Quarantine(noon, "password rejected"))
	user.MarkDuplicate(noon.Add(time.Hour), older.ID())
	if q := user.Snapshot().Quarantine; !q.Since.Equal(noon) || !strings.Contains(q.Reason, older.ID().String()) {
		t.Errorf("the quarantine is %+v", q)
	}
}
