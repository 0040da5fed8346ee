package domain_test

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/userfarm/userfarm/domain"
)

const tick = time.Microsecond

func TestALockHoldsUntilItsExpiry(t *testing.T) {
	user := newUser("ann", nil)
	must(t, user.LockOpen(noon, time.Minute))
	end := noon.Add(time.Minute)
	if got := user.CheckFree(end.Add(-tick)); !errors.Is(got, domain.ErrUserLocked) {
		t.Errorf("just before its expiry: %v, want %v", got, domain.ErrUserLocked)
	}
	if got := user.CheckFree(end); got != nil {
		t.Errorf("at its expiry: %v, want free", got)
	}
	if user.View(end).Lock != nil {
		t.Error("at its expiry, the lock is still shown")
	}
	must(t, user.LockOpen(end, time.Minute))
}

func TestAnOpenLockWithoutTTLNeverExpires(t *testing.T) {
	user := newUser("ann", nil)
	must(t, user.LockOpen(noon, 0))
	later := noon.AddDate(100, 0, 0)
	if user.Status(later) != domain.Locked {
		t.Error("it expired")
	}
	if _, ends := user.FreeFrom(); ends {
		t.Error("FreeFrom knows an end of it")
	}
	must(t, user.ReleaseOpen(later))
	if from, ends := user.FreeFrom(); !ends || !from.Equal(later) {
		t.Errorf("after the release, free from %v, %t", from, ends)
	}
}

func TestReleaseOpenErrors(t *testing.T) {
	user := newUser("ann", nil)
	if err := user.ReleaseOpen(noon); !errors.Is(err, domain.ErrUserFree) {
		t.Errorf("a free user: %v", err)
	}
	grant(t, noon, time.Minute, user)
	if err := user.ReleaseOpen(noon); !errors.Is(err, domain.ErrHeldByLease) {
		t.Errorf("a leased user: %v", err)
	}
	if err := user.ReleaseOpen(noon.Add(time.Minute)); !errors.Is(err, domain.ErrUserFree) {
		t.Errorf("a user whose lease expired: %v", err)
	}
}

func TestAQuarantinedUserThatIsLockedIsQuarantined(t *testing.T) {
	user := newUser("ann", nil)
	must(t, user.LockOpen(noon, 0))
	must(t, user.Quarantine(noon, "dirty"))
	must(t, user.Quarantine(noon.Add(time.Hour), "very dirty"))
	view := user.View(noon)
	if view.Status != domain.Quarantined || view.Lock == nil {
		t.Errorf("view = %+v, want a quarantined user with its lock", view)
	}
	if q := view.Quarantine; !q.Since.Equal(noon) || q.Reason != "very dirty" {
		t.Errorf("quarantine = %+v, want the new reason since the first time", q)
	}
	if err := user.Remove(noon, ""); !errors.Is(err, domain.ErrUserLocked) {
		t.Errorf("removing a locked user = %v", err)
	}
	must(t, user.ReleaseOpen(noon))
	if err := user.LockOpen(noon, 0); !errors.Is(err, domain.ErrUserQuarantined) {
		t.Errorf("lock = %v", err)
	}
	must(t, user.Remove(noon, ""))
	must(t, user.Restore(noon, ""))
	must(t, user.LockOpen(noon, 0))
}

// The test applies random operations to a user. The fence goes up by one with each lock and does not change otherwise, a
// locked user can't be locked again, and a snapshot has the complete state.
func TestTheFenceCountsTheLocks(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		user, now, locks := newUser("ann", nil), noon, uint64(0)
		lease := domain.NewLeaseID()
		for range 50 {
			now = now.Add(time.Duration(random.IntN(3)) * time.Second)
			free := user.CheckFree(now) == nil
			locked := errors.New("did not try")
			switch random.IntN(8) {
			case 0:
				locked = user.LockOpen(now, time.Duration(random.IntN(3))*time.Second)
			case 1:
				lease = domain.NewLeaseID()
				_, locked = domain.Grant(now, lease, domain.Terms{TTL: 2 * time.Second}, []*domain.User{user})
			case 2:
				_, _ = domain.Renew(now, lease, 3*time.Second, []*domain.User{user})
			case 3:
				_ = domain.Release(now, lease, []*domain.User{user})
			case 4:
				_ = user.ReleaseOpen(now)
			case 5:
				must(t, domain.ForceRelease(now, []*domain.User{user}, ""))
			case 6:
				must(t, user.Quarantine(now, "dirty"))
			case 7:
				must(t, user.Restore(now, ""))
			}
			if locked == nil {
				if locks++; !free {
					t.Fatal("a user that was not free was locked")
				}
			}
			if fence := user.Snapshot().Fence; fence != locks {
				t.Fatalf("fence = %d after %d locks", fence, locks)
			}
			if again := domain.Restore(user.Snapshot()); again.Status(now) != user.Status(now) || again.Snapshot().Fence != locks {
				t.Fatal("the snapshot lost something")
			}
		}
	}
}

func grant(t *testing.T, now time.Time, ttl time.Duration, users ...*domain.User) domain.Lease {
	t.Helper()
	lease, err := domain.Grant(now, domain.NewLeaseID(), domain.Terms{Owner: "ci", Note: "smoke", TTL: ttl}, users)
	must(t, err)
	return lease
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A store finds free users by FreeFrom, and CheckFree decides about them, so both must agree at all times.
func TestAUserIsFreeFromTheTimeThatFreeFromTells(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 500 {
		user, now := newUser("ann", nil), noon
		for range 20 {
			now = now.Add(time.Duration(random.IntN(3)) * tick)
			switch random.IntN(7) {
			case 0:
				_ = user.LockOpen(now, time.Duration(random.IntN(3))*tick)
			case 1, 2:
				policy := domain.LeasePolicy{QuarantineOnExpiry: random.IntN(2) == 0}
				terms, err := policy.Apply([]domain.Selector{{}}, domain.Terms{TTL: time.Second})
				must(t, err)
				terms.TTL = time.Duration(1+random.IntN(3)) * tick
				_, _ = domain.Grant(now, domain.NewLeaseID(), terms, []*domain.User{user})
			case 3:
				must(t, domain.ForceRelease(now, []*domain.User{user}, ""))
			case 4:
				must(t, user.Quarantine(now, "dirty"))
			case 5:
				must(t, user.Restore(now, ""))
			case 6:
				user.Expire(now)
			}
			for ahead := range 4 {
				at := now.Add(time.Duration(ahead) * tick)
				from, ok := user.FreeFrom()
				if free := ok && !from.After(at); free != (user.CheckFree(at) == nil) {
					t.Fatalf("at %v, FreeFrom says %v, %t, and CheckFree %v", at, from, ok, user.CheckFree(at))
				}
			}
		}
	}
}
