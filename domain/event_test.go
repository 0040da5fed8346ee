package domain_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/userfarm/userfarm/domain"
)

func TestChangesOfAUserAreRecorded(t *testing.T) {
	ann := []*domain.User{newUser("ann", nil)}
	lease := grant(t, noon, time.Minute, ann...)
	renewed := noon.Add(time.Second)
	_, err := domain.Renew(renewed, lease.ID, time.Minute, ann)
	must(t, err)
	released := noon.Add(2 * time.Second)
	must(t, domain.Release(released, lease.ID, ann, domain.Fault{UserID: ann[0].ID(), Reason: "dirty"}))
	restored := noon.Add(3 * time.Second)
	must(t, ann[0].Restore(restored, "washed"))
	grant(t, restored, time.Minute, ann...)
	forced := noon.Add(4 * time.Second)
	must(t, domain.ForceRelease(forced, ann, "stuck"))
	must(t, ann[0].LockOpen(forced, 0))
	must(t, ann[0].Quarantine(forced, "doubtful"))
	must(t, ann[0].ReleaseOpen(forced))
	removed := noon.Add(5 * time.Second)
	must(t, ann[0].Remove(removed, "for good"))

	wantEvents(t, ann[0],
		domain.Event{At: noon, Kind: domain.UserCreated},
		domain.Event{At: noon, Kind: domain.UserAcquired, Owner: "ci", Note: "smoke", Fence: 1},
		domain.Event{At: renewed, Kind: domain.UserRenewed, Owner: "ci", Note: "smoke", Fence: 1},
		domain.Event{At: released, Kind: domain.UserReleased, Owner: "ci", Note: "smoke", Fence: 1, Held: 2 * time.Second},
		domain.Event{At: released, Kind: domain.UserQuarantined, Fence: 1, Reason: "dirty"},
		domain.Event{At: restored, Kind: domain.UserRestored, Fence: 1, Reason: "washed"},
		domain.Event{At: restored, Kind: domain.UserAcquired, Owner: "ci", Note: "smoke", Fence: 2},
		domain.Event{At: forced, Kind: domain.UserForced, Owner: "ci", Note: "smoke", Fence: 2, Reason: "stuck", Held: time.Second},
		domain.Event{At: forced, Kind: domain.UserAcquired, Fence: 3},
		domain.Event{At: forced, Kind: domain.UserQuarantined, Fence: 3, Reason: "doubtful"},
		domain.Event{At: forced, Kind: domain.UserReleased, Fence: 3},
		domain.Event{At: removed, Kind: domain.UserRemoved, Fence: 3, Reason: "for good"},
	)
}

func TestALockAfterAnExpiredOneRecordsTheExpiryFirst(t *testing.T) {
	later := noon.Add(time.Hour)
	for name, lock := range map[string]func(*domain.User){
		"a lease": func(u *domain.User) {
			_, err := domain.Grant(later, domain.NewLeaseID(), domain.Terms{Owner: "next", TTL: time.Minute}, []*domain.User{u})
			must(t, err)
		},
		"an open lock": func(u *domain.User) { must(t, u.LockOpen(later, 0)) },
	} {
		ann := newUser("ann", nil)
		grant(t, noon, time.Minute, ann)
		ann = ann.Clone()
		lock(ann)
		wantEvents(t, ann,
			domain.Event{At: later, Kind: domain.UserExpired, Owner: "ci", Note: "smoke", Fence: 1, Held: time.Minute},
			domain.Event{At: later, Kind: domain.UserAcquired, Owner: ann.View(later).Lock.Owner, Fence: 2},
		)
		if t.Failed() {
			t.Fatal("by ", name)
		}
	}
}

func TestARemovalRecordsTheExpiryFirst(t *testing.T) {
	ann := newUser("ann", nil)
	grant(t, noon, time.Minute, ann)
	ann = ann.Clone()
	end := noon.Add(time.Minute)
	must(t, ann.Remove(end, ""))
	wantEvents(t, ann,
		domain.Event{At: end, Kind: domain.UserExpired, Owner: "ci", Note: "smoke", Fence: 1, Held: time.Minute},
		domain.Event{At: end, Kind: domain.UserRemoved, Fence: 1},
	)
}

func TestCallsThatChangeNothingRecordNoEvent(t *testing.T) {
	free, held, broken := newUser("free", nil), newUser("held", nil), newUser("broken", nil)
	lease := grant(t, noon, time.Minute, held)
	must(t, broken.Quarantine(noon, "dirty"))
	free, held, broken = free.Clone(), held.Clone(), broken.Clone()
	all := []*domain.User{free, held, broken}
	long := string(make([]byte, 2000))

	_, granted := domain.Grant(noon, domain.NewLeaseID(), domain.Terms{TTL: time.Minute}, []*domain.User{free, held})
	_, renewed := domain.Renew(noon, domain.NewLeaseID(), time.Minute, []*domain.User{held})
	for what, err := range map[string]error{
		"grant":          granted,
		"renew":          renewed,
		"release":        domain.Release(noon, domain.NewLeaseID(), []*domain.User{held}),
		"faulty release": domain.Release(noon, lease.ID, []*domain.User{held}, domain.Fault{UserID: free.ID(), Reason: "dirty"}),
		"force":          domain.ForceRelease(noon, []*domain.User{held}, long),
		"lock":           held.LockOpen(noon, 0),
		"open release":   held.ReleaseOpen(noon),
		"quarantine":     free.Quarantine(noon, ""),
		"restore":        broken.Restore(noon, long),
		"remove":         held.Remove(noon, ""),
		"bad removal":    free.Remove(noon, long),
		"bad change":     free.Change(noon, domain.Change{Labels: &domain.Labels{"role": "admin"}, Reason: long}),
	} {
		if err == nil {
			t.Errorf("%s was not refused", what)
		}
	}
	must(t, domain.ForceRelease(noon, []*domain.User{free}, "not locked"))
	must(t, free.Restore(noon, "it is not in quarantine"))
	for _, u := range all {
		if u.Expire(noon) {
			t.Error("there was something to expire")
		}
		wantEvents(t, u)
	}
	if err := broken.CheckFree(noon); !errors.Is(err, domain.ErrUserQuarantined) {
		t.Errorf("a refused restore restored: %v", err)
	}
}

func TestRestoredAndClonedUsersHaveNoEvents(t *testing.T) {
	ann := newUser("ann", nil)
	grant(t, noon, time.Minute, ann)
	wantEvents(t, domain.Restore(ann.Snapshot()))
	wantEvents(t, ann.Clone())
	if got := len(ann.Events()); got != 2 {
		t.Errorf("%d events are left of 2", got)
	}
}

// wantEvents fails the test unless these are the events of the user. It fills in the fields that identify the user.
func wantEvents(t *testing.T, u *domain.User, want ...domain.Event) {
	t.Helper()
	got := u.Events()
	if len(got) != len(want) {
		t.Fatalf("events are\n%+v, want\n%+v", got, want)
	}
	s := u.Snapshot()
	for i, e := range want {
		e.UserID, e.Login, e.Pool = s.ID, s.Login, s.Pool
		if !reflect.DeepEqual(got[i], e) {
			t.Errorf("event %d is\n%+v, want\n%+v", i, got[i], e)
		}
	}
}
