package domain_test

import (
	"errors"
	"testing"
	"time"

	"github.com/userfarm/userfarm/domain"
)

func TestGrantLocksAllOrNone(t *testing.T) {
	ann, bob := newUser("ann", nil), newUser("bob", nil)
	must(t, bob.LockOpen(noon, 0))
	_, err := domain.Grant(noon, domain.NewLeaseID(), domain.Terms{TTL: time.Minute}, []*domain.User{ann, bob})
	if !errors.Is(err, domain.ErrUserLocked) {
		t.Errorf("grant = %v", err)
	}
	if ann.CheckFree(noon) != nil || ann.Snapshot().Fence != 0 {
		t.Error("a refused grant locked a user")
	}

	must(t, bob.ReleaseOpen(noon))
	lease := grant(t, noon, time.Minute, ann, bob)
	if lease.Users[0].ID != ann.ID() || lease.Users[1].ID != bob.ID() || lease.Users[1].Fence != 2 {
		t.Errorf("lease = %+v", lease)
	}
	for i, u := range []*domain.User{ann, bob} {
		lock := u.Snapshot().Lock
		if lock.Position != i || lock.Lease != lease.ID.Digest() || lock.Owner != "ci" || lock.Note != "smoke" {
			t.Errorf("lock %d = %+v", i, lock)
		}
	}
}

func TestALeaseIsOver(t *testing.T) {
	for name, end := range map[string]func(domain.Lease, *domain.User, *domain.User) (now time.Time){
		"when it expires": func(domain.Lease, *domain.User, *domain.User) time.Time { return noon.Add(time.Minute) },
		"when it is released": func(l domain.Lease, ann, bob *domain.User) time.Time {
			must(t, domain.Release(noon, l.ID, []*domain.User{ann, bob}))
			return noon
		},
		"when it is forced": func(_ domain.Lease, ann, bob *domain.User) time.Time {
			must(t, domain.ForceRelease(noon, []*domain.User{ann, bob}, ""))
			return noon
		},
		"when another lease holds one of its users": func(_ domain.Lease, ann, _ *domain.User) time.Time {
			must(t, domain.ForceRelease(noon, []*domain.User{ann}, ""))
			grant(t, noon, time.Minute, ann)
			return noon
		},
		"when an open lock holds one of its users": func(_ domain.Lease, _, bob *domain.User) time.Time {
			must(t, domain.ForceRelease(noon, []*domain.User{bob}, ""))
			must(t, bob.LockOpen(noon, 0))
			return noon
		},
	} {
		t.Run(name, func(t *testing.T) {
			ann, bob := newUser("ann", nil), newUser("bob", nil)
			users := []*domain.User{ann, bob}
			lease := grant(t, noon, time.Minute, users...)
			now := end(lease, ann, bob)
			before := []domain.Snapshot{ann.Snapshot(), bob.Snapshot()}

			if _, err := domain.ReadLease(now, lease.ID, users); !errors.Is(err, domain.ErrLeaseExpired) {
				t.Errorf("read = %v", err)
			}
			if _, err := domain.Renew(now, lease.ID, time.Hour, users); !errors.Is(err, domain.ErrLeaseExpired) {
				t.Errorf("renew = %v", err)
			}
			if err := domain.Release(now, lease.ID, users); !errors.Is(err, domain.ErrLeaseExpired) {
				t.Errorf("release = %v", err)
			}
			for i, u := range users {
				if after := u.Snapshot(); after.Fence != before[i].Fence {
					t.Errorf("a refused call changed %+v to %+v", before[i], after)
				}
			}
		})
	}
}

func TestRenewCountsFromNow(t *testing.T) {
	user := newUser("ann", nil)
	lease := grant(t, noon, time.Hour, user)
	renewed, err := domain.Renew(noon.Add(time.Minute), lease.ID, time.Minute, []*domain.User{user})
	must(t, err)
	if want := noon.Add(2 * time.Minute); !renewed.ExpiresAt.Equal(want) || user.Status(want) != domain.Free {
		t.Errorf("renewed until %v, want %v: a renewal may shorten a lease", renewed.ExpiresAt, want)
	}
	if !renewed.AcquiredAt.Equal(noon) || renewed.Users[0].Fence != 1 {
		t.Errorf("renewing changed %+v", renewed)
	}
	if got := user.View(noon).Lock.Renewals; got != 1 {
		t.Errorf("the lock says that its lease was renewed %d times, want once", got)
	}
	must(t, domain.Release(noon, lease.ID, []*domain.User{user}))
	grant(t, noon, time.Hour, user)
	if got := user.View(noon).Lock.Renewals; got != 0 {
		t.Errorf("the next lock says that its lease was renewed %d times", got)
	}
}

func TestReleaseQuarantinesFaultyUsers(t *testing.T) {
	ann, bob := newUser("ann", nil), newUser("bob", nil)
	users := []*domain.User{ann, bob}
	lease := grant(t, noon, time.Minute, users...)

	err := domain.Release(noon, lease.ID, users,
		domain.Fault{UserID: bob.ID(), Reason: ""}, domain.Fault{UserID: domain.UserID{9}, Reason: "dirty"})
	wantFields(t, err, "/quarantine/0/reason", "/quarantine/1/user_id")
	if ann.Status(noon) != domain.Locked {
		t.Error("a refused release released")
	}

	must(t, domain.Release(noon, lease.ID, users, domain.Fault{UserID: bob.ID(), Reason: "dirty"}))
	if ann.Status(noon) != domain.Free || bob.Status(noon) != domain.Quarantined {
		t.Errorf("ann is %s and bob is %s", ann.Status(noon), bob.Status(noon))
	}
	if bob.View(noon).Lock != nil {
		t.Error("bob is still locked")
	}
}

func TestCheckFenceKnowsTheLatestLock(t *testing.T) {
	user := newUser("ann", nil)
	grant(t, noon, time.Minute, user)
	grant(t, noon.Add(time.Hour), time.Minute, user)
	for fence, want := range map[uint64]error{0: domain.ErrFenceMismatch, 1: domain.ErrFenceMismatch, 2: nil, 3: domain.ErrFenceMismatch} {
		if err := user.CheckFence(fence); !errors.Is(err, want) {
			t.Errorf("fence %d = %v, want %v", fence, err, want)
		}
	}
}

func TestForceReleaseKeepsTheEndOfALockThatIsOver(t *testing.T) {
	user := newUser("ann", nil)
	grant(t, noon, time.Minute, user)
	must(t, domain.ForceRelease(noon.Add(time.Hour), []*domain.User{user}, ""))
	if from, _ := user.FreeFrom(); !from.Equal(noon.Add(time.Minute)) {
		t.Errorf("free from %v, want the expiry", from)
	}
}

func TestGrantRejectsBadLeases(t *testing.T) {
	ann, bob := newUser("ann", nil), newUser("bob", nil)
	crowd := make([]*domain.User, domain.MaxLeaseUsers+1)
	for i := range crowd {
		crowd[i] = newUser("user", nil)
	}
	for _, c := range []struct {
		ttl   time.Duration
		users []*domain.User
		field string
	}{
		{0, []*domain.User{ann}, "/ttl_seconds"},
		{-time.Minute, []*domain.User{ann}, "/ttl_seconds"},
		{time.Minute, nil, "/users"},
		{time.Minute, []*domain.User{ann, bob, ann}, "/users"},
		{time.Minute, []*domain.User{ann, bob, ann.Clone()}, "/users"},
		{time.Minute, crowd, "/users"},
	} {
		_, err := domain.Grant(noon, domain.NewLeaseID(), domain.Terms{TTL: c.ttl}, c.users)
		wantFields(t, err, c.field)
	}
	for _, u := range append(crowd, ann, bob) {
		if u.Status(noon) != domain.Free || u.Snapshot().Fence != 0 {
			t.Fatal("a grant that was rejected locked a user")
		}
	}
}

func TestALockHasTheSizeOfItsLease(t *testing.T) {
	ann, bob := newUser("ann", nil), newUser("bob", nil)
	grant(t, noon, time.Minute, ann, bob)
	for i, u := range []*domain.User{ann, bob} {
		if lock := u.Snapshot().Lock; lock.Position != i || lock.Size != 2 {
			t.Errorf("user %d of 2 is user %d of %d", i, lock.Position, lock.Size)
		}
	}
	carol := newUser("carol", nil)
	must(t, carol.LockOpen(noon, 0))
	if size := carol.Snapshot().Lock.Size; size != 0 {
		t.Errorf("an open lock is one of %d", size)
	}
}

func TestALeaseWithoutUsersIsNotFound(t *testing.T) {
	id := domain.NewLeaseID()
	_, errRead := domain.ReadLease(noon, id, nil)
	_, errRenew := domain.Renew(noon, id, time.Minute, nil)
	_, errCode := domain.GiveCode(noon, id, nil, domain.UserID{1}, 0)
	for call, err := range map[string]error{
		"ReadLease": errRead, "Renew": errRenew, "Release": domain.Release(noon, id, nil), "GiveCode": errCode,
	} {
		if !errors.Is(err, domain.ErrLeaseNotFound) {
			t.Errorf("%s without users returns %v", call, err)
		}
	}
}

func TestRenewRejectsATimeToLiveThatIsNotAboveZero(t *testing.T) {
	user := newUser("ann", nil)
	lease := grant(t, noon, time.Minute, user)
	for _, ttl := range []time.Duration{0, -time.Second} {
		_, err := domain.Renew(noon, lease.ID, ttl, []*domain.User{user})
		wantFields(t, err, "/ttl_seconds")
	}
	if end, _ := user.LockExpiry(); !end.Equal(lease.ExpiresAt) {
		t.Errorf("the lease ends at %v, want %v as before", end, lease.ExpiresAt)
	}
}
