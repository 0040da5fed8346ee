package domain_test

import (
	"testing"
	"time"

	"github.com/userfarm/userfarm/domain"
)

// dirty is the fault of a user that is dirty.
func dirty(u *domain.User) domain.Fault { return domain.Fault{UserID: u.ID(), Reason: "dirty"} }

// ending returns users that left a lease, and what they told of it.
func ending(t *testing.T, users ...*domain.User) domain.EndedLease {
	t.Helper()
	grant(t, noon, time.Minute, users...)
	must(t, domain.RecordExpiry(noon.Add(time.Minute), users, nil))
	return leftOf(t, users...)
}

func TestALateFaultIsKeptUnlessTheUserWasAcquiredSince(t *testing.T) {
	now := noon.Add(time.Hour)
	for name, c := range map[string]struct {
		since func(*domain.User)
		want  bool
	}{
		"nothing":              {func(*domain.User) {}, true},
		"a lease":              {func(u *domain.User) { grant(t, now, time.Minute, u) }, false},
		"a lease that is over": {func(u *domain.User) { grant(t, now.Add(-time.Minute), time.Minute, u) }, false},
		"an open lock":         {func(u *domain.User) { must(t, u.LockOpen(now, 0)) }, false},
	} {
		ann := newUser("ann", nil)
		ended := ending(t, ann)
		c.since(ann)
		ann = ann.Clone()
		ann.ActBy(annsKey)
		before := ann.Snapshot()
		if got := ended.KeepFault(now, ann, dirty(ann)); got != c.want {
			t.Errorf("after %s: kept %t", name, got)
		}
		if !c.want {
			if after := ann.Snapshot(); after.Quarantine != nil || after.Fence != before.Fence || len(ann.Events()) > 0 || ann.Left() != nil {
				t.Errorf("after %s: the user is %+v", name, after)
			}
			continue
		}
		if q := ann.Snapshot().Quarantine; q == nil || *q != (domain.Quarantine{Reason: "dirty", Since: now}) {
			t.Errorf("after %s: the quarantine is %+v", name, q)
		}
		wantEvents(t, ann, domain.Event{At: now, Kind: domain.UserQuarantined, Fence: 1, Reason: "dirty", Key: annsKey})
	}
}

func TestALateFaultIsKeptOnce(t *testing.T) {
	now := noon.Add(time.Hour)
	ann := newUser("ann", nil)
	ended := ending(t, ann)
	ann = ann.Clone()
	ended.KeepFault(now, ann, dirty(ann))
	ended = ended.Merge(leftOf(t, ann))
	must(t, ann.Restore(now, ""))
	ann = ann.Clone()
	if !ended.KeepFault(now, ann, dirty(ann)) || ann.Status(now) != domain.Free || len(ann.Events()) > 0 {
		t.Errorf("the repetition made the user %s", ann.Status(now))
	}
}

func TestAFaultOfAReleaseIsNotKeptAgain(t *testing.T) {
	ann, bob := newUser("ann", nil), newUser("bob", nil)
	users := []*domain.User{ann, bob}
	lease := grant(t, noon, time.Minute, users...)
	must(t, domain.Release(noon, lease.ID, users, dirty(ann)))
	ended := leftOf(t, users...)
	must(t, ann.Restore(noon, ""))
	for _, u := range users {
		if !ended.KeepFault(noon, u, dirty(u)) {
			t.Errorf("the fault of %s is lost", u.Snapshot().Login)
		}
	}
	if ann.Status(noon) != domain.Free || bob.Status(noon) != domain.Quarantined {
		t.Errorf("ann is %s and bob is %s", ann.Status(noon), bob.Status(noon))
	}
}

func TestALateFaultKeepsTheFirstReason(t *testing.T) {
	ann := newUser("ann", nil)
	ended := ending(t, ann)
	now := noon.Add(time.Hour)
	must(t, ann.Quarantine(now, "password rejected"))
	ann = ann.Clone()
	if !ended.KeepFault(now.Add(tick), ann, dirty(ann)) {
		t.Error("a user in quarantine is not kept there")
	}
	if q := ann.Snapshot().Quarantine; q.Reason != "password rejected" || len(ann.Events()) > 0 {
		t.Errorf("the quarantine is %+v", q)
	}
}

func TestNoFaultIsKeptOfAUserOutsideOfTheLease(t *testing.T) {
	ann, eve := newUser("ann", nil), newUser("eve", nil)
	ended := ending(t, ann)
	unknown := ended
	unknown.Users = nil
	for _, l := range []domain.EndedLease{ended, unknown} {
		if l.KeepFault(noon, eve, dirty(eve)) || eve.Status(noon) != domain.Free {
			t.Errorf("eve is %s", eve.Status(noon))
		}
	}
}

func TestLateFaultsAreChecked(t *testing.T) {
	ann, bob, eve := newUser("ann", nil), newUser("bob", nil), newUser("eve", nil)
	users := []*domain.User{ann, bob}
	now := noon.Add(time.Hour)
	faults := []domain.Fault{dirty(ann), {UserID: bob.ID()}, dirty(eve), {UserID: bob.ID(), Reason: "\x00"}}
	grant(t, noon, time.Minute, users...)
	wantFields(t, domain.RecordExpiry(now, users, faults), "/quarantine/1/reason", "/quarantine/2/user_id", "/quarantine/3/reason")
	if ann.Snapshot().Lock == nil || bob.Snapshot().Lock == nil {
		t.Error("a refused call recorded the expiry")
	}
	// Of the lease, only bob still has the lock. Whether eve had it is known only later.
	wantFields(t, domain.RecordExpiry(now, users[1:], faults), "/quarantine/1/reason", "/quarantine/3/reason")
	must(t, domain.RecordExpiry(now, users, []domain.Fault{dirty(ann)}))

	ended := leftOf(t, users...)
	wantFields(t, ended.CheckFaults(faults), "/quarantine/1/reason", "/quarantine/2/user_id", "/quarantine/3/reason")
	must(t, ended.CheckFaults([]domain.Fault{dirty(bob), dirty(ann), dirty(bob)}))
	ended.Users = nil
	wantFields(t, ended.CheckFaults(faults), "/quarantine/1/reason", "/quarantine/3/reason")
}

func TestRecordExpiryKeepsALockThatHolds(t *testing.T) {
	ann := newUser("ann", nil)
	grant(t, noon, time.Minute, ann)
	must(t, domain.RecordExpiry(noon, []*domain.User{ann}, nil))
	if ann.Status(noon) != domain.Locked || ann.Left() != nil {
		t.Errorf("ann is %s", ann.Status(noon))
	}
}
