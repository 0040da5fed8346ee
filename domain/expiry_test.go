package domain_test

import (
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/userfarm/userfarm/domain"
)

const expired = "the lease expired before it was released"

// grantStrictly grants a lease that puts its users into quarantine if it expires.
func grantStrictly(t *testing.T, users ...*domain.User) domain.Lease {
	t.Helper()
	terms, err := domain.LeasePolicy{QuarantineOnExpiry: true}.Apply([]domain.Selector{{}}, domain.Terms{Owner: "ci", Note: "smoke", TTL: time.Minute})
	must(t, err)
	lease, err := domain.Grant(noon, domain.NewLeaseID(), terms, users)
	must(t, err)
	return lease
}

func TestExpireRemovesAnExpiredLock(t *testing.T) {
	end := noon.Add(time.Minute)
	ann := newUser("ann", nil)
	lease := grant(t, noon, time.Minute, ann)
	ann = ann.Clone()
	if ann.Expire(end.Add(-tick)) || ann.Status(noon) != domain.Locked {
		t.Fatal("it expired before its time")
	}
	later := end.Add(time.Hour)
	if !ann.Expire(later) {
		t.Fatal("it did not expire")
	}
	if s := ann.Snapshot(); s.Lock != nil || !s.ReleasedAt.Equal(end) || s.Quarantine != nil || s.Fence != 1 {
		t.Errorf("it is %+v, want it released at its expiry", s)
	}
	wantEvents(t, ann, domain.Event{At: later, Kind: domain.UserExpired, Owner: "ci", Note: "smoke", Fence: 1, Held: time.Minute})
	if ann.Expire(later) {
		t.Error("it expired twice")
	}
	if _, err := domain.ReadLease(later, lease.ID, []*domain.User{ann}); !errors.Is(err, domain.ErrLeaseExpired) {
		t.Errorf("the lease reads as %v", err)
	}
}

func TestExpireIgnoresLocksWithoutExpiry(t *testing.T) {
	ann := newUser("ann", nil)
	must(t, ann.LockOpen(noon, 0))
	if ann.Expire(noon.AddDate(100, 0, 0)) || newUser("bob", nil).Expire(noon) {
		t.Error("there was something to expire")
	}
}

func TestQuarantineOnExpiryBeginsAtTheExpiry(t *testing.T) {
	end := noon.Add(time.Minute)
	ann := newUser("ann", nil)
	grantStrictly(t, ann)
	if _, ok := ann.FreeFrom(); ok {
		t.Error("time alone sets it free")
	}
	if got := ann.Status(end.Add(-tick)); got != domain.Locked {
		t.Errorf("just before its expiry it is %s", got)
	}
	for _, written := range []bool{false, true} {
		for _, now := range []time.Time{end, end.Add(time.Hour)} {
			if err := ann.CheckFree(now); ann.Status(now) != domain.Quarantined || !errors.Is(err, domain.ErrUserQuarantined) {
				t.Errorf("at %v, written down %t, it is %s", now, written, ann.Status(now))
			}
			if q := ann.View(now).Quarantine; q == nil || *q != (domain.Quarantine{Reason: expired, Since: end}) {
				t.Errorf("at %v, written down %t, its quarantine is %+v", now, written, q)
			}
		}
		ann.Expire(end.Add(time.Minute))
	}
}

func TestQuarantineOnExpiryIsRecorded(t *testing.T) {
	ann := newUser("ann", nil)
	grantStrictly(t, ann)
	ann = ann.Clone()
	later := noon.Add(time.Hour)
	ann.Expire(later)
	wantEvents(t, ann,
		domain.Event{At: later, Kind: domain.UserExpired, Owner: "ci", Note: "smoke", Fence: 1, Held: time.Minute},
		domain.Event{At: later, Kind: domain.UserQuarantined, Fence: 1, Reason: expired},
	)
}

func TestQuarantineOnExpiryKeepsAnEarlierReason(t *testing.T) {
	ann := newUser("ann", nil)
	grantStrictly(t, ann)
	must(t, ann.Quarantine(noon, "dirty"))
	later := noon.Add(time.Hour)
	ann.Expire(later)
	if q := ann.View(later).Quarantine; *q != (domain.Quarantine{Reason: "dirty", Since: noon}) {
		t.Errorf("its quarantine is %+v", q)
	}
}

func TestALeaseThatIsReleasedInTimeLeavesNoQuarantine(t *testing.T) {
	ann, bob := newUser("ann", nil), newUser("bob", nil)
	lease := grantStrictly(t, ann)
	must(t, domain.Release(noon, lease.ID, []*domain.User{ann}))
	grantStrictly(t, bob)
	must(t, domain.ForceRelease(noon, []*domain.User{bob}, ""))
	later := noon.Add(time.Hour)
	for _, u := range []*domain.User{ann, bob} {
		if u.Expire(later) || u.Status(later) != domain.Free {
			t.Errorf("%s is %s", u.View(later).Login, u.Status(later))
		}
	}
}

func TestRestoreEndsTheQuarantineOfAnExpiry(t *testing.T) {
	end := noon.Add(time.Minute)
	for name, before := range map[string]func(*domain.User){
		"before the expiry is written down": func(*domain.User) {},
		"after the expiry was written down": func(u *domain.User) { u.Expire(end) },
		"when it got another reason":        func(u *domain.User) { must(t, u.Quarantine(end, "dirty")) },
		"when it was in quarantine already": func(u *domain.User) { must(t, u.Quarantine(noon, "dirty")) },
	} {
		t.Run(name, func(t *testing.T) {
			ann := newUser("ann", nil)
			grantStrictly(t, ann)
			before(ann)
			must(t, ann.Restore(end, "washed"))
			if got := ann.Status(end); got != domain.Free {
				t.Fatalf("it is %s", got)
			}
			ann.Expire(end.Add(time.Second))
			if got := ann.Status(end.Add(time.Second)); got != domain.Free {
				t.Errorf("it is %s a second later", got)
			}
			if from, ok := ann.FreeFrom(); !ok || !from.Equal(end) {
				t.Errorf("it is free from %v, %t, want its expiry", from, ok)
			}
			events := ann.Events()
			kinds := make(map[domain.EventKind]int)
			for _, e := range events {
				kinds[e.Kind]++
			}
			if kinds[domain.UserExpired] != 1 || kinds[domain.UserQuarantined] != 1 || kinds[domain.UserRestored] != 1 {
				t.Errorf("events are %+v", events)
			}
			must(t, ann.LockOpen(end, 0))
		})
	}
}

func TestExpireDoesNotChangeTheViewOfAUser(t *testing.T) {
	for _, strictly := range []bool{false, true} {
		ann := newUser("ann", domain.Labels{"role": "admin"})
		if grant(t, noon, time.Minute, ann); strictly {
			must(t, domain.ForceRelease(noon, []*domain.User{ann}, ""))
			grantStrictly(t, ann)
		}
		for _, now := range []time.Time{noon.Add(time.Minute), noon.Add(time.Hour)} {
			written := ann.Clone()
			written.Expire(now)
			if got, want := written.View(now), ann.View(now); !reflect.DeepEqual(got, want) {
				t.Errorf("it is %+v, and was %+v", got, want)
			}
			if got, want := written.CheckFree(now), ann.CheckFree(now); !errors.Is(got, want) {
				t.Errorf("it is %v, and was %v", got, want)
			}
		}
	}
}

func TestLocksThatNeverEndComeLast(t *testing.T) {
	never := time.Time{}
	ends := []time.Time{never, noon.Add(time.Second), noon, never}
	slices.SortFunc(ends, domain.CompareExpiries)
	if want := []time.Time{noon, noon.Add(time.Second), never, never}; !slices.Equal(ends, want) {
		t.Errorf("got %v, want %v", ends, want)
	}
}
