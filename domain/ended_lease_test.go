package domain_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/userfarm/userfarm/domain"
)

// leftOf returns what the users of a lease tell of it together.
func leftOf(t *testing.T, users ...*domain.User) domain.EndedLease {
	t.Helper()
	var all []domain.EndedLease
	for _, u := range users {
		all = append(all, u.Left()...)
	}
	if len(all) == 0 {
		t.Fatal("no user left a lease")
	}
	for _, more := range all[1:] {
		all[0] = all[0].Merge(more)
	}
	return all[0]
}

func TestUsersTellHowTheyLeftALease(t *testing.T) {
	for name, c := range map[string]struct {
		leave func(lease domain.Lease, users []*domain.User)
		end   domain.LeaseEnd
		at    time.Time
	}{
		"released": {func(l domain.Lease, users []*domain.User) {
			must(t, domain.Release(noon.Add(tick), l.ID, users))
		}, domain.LeaseReleased, noon.Add(tick)},
		"forced": {func(_ domain.Lease, users []*domain.User) {
			must(t, domain.ForceRelease(noon.Add(tick), users, ""))
		}, domain.LeaseForced, noon.Add(tick)},
		"expired": {func(_ domain.Lease, users []*domain.User) {
			must(t, domain.RecordExpiry(noon.Add(time.Hour), users, nil))
		}, domain.LeaseExpired, noon.Add(time.Minute)},
		"expired, and then acquired or removed": {func(_ domain.Lease, users []*domain.User) {
			must(t, users[0].Remove(noon.Add(time.Hour), ""))
			must(t, users[1].LockOpen(noon.Add(2*time.Hour), 0))
		}, domain.LeaseExpired, noon.Add(time.Minute)},
	} {
		t.Run(name, func(t *testing.T) {
			users := []*domain.User{newUser("ann", nil), newUser("bob", nil)}
			must(t, users[1].LockOpen(noon, 0))
			must(t, users[1].ReleaseOpen(noon))
			lease := grant(t, noon, time.Minute, users...)
			c.leave(lease, users)
			want := domain.EndedLease{
				Lease: lease.ID.Digest(), End: c.end, At: c.at, Scope: domain.Only(users[0].Pool().ProjectID),
				Users: []domain.FormerUser{{ID: users[0].ID(), Fence: 1}, {ID: users[1].ID(), Fence: 2}},
			}
			slices.SortFunc(want.Users, func(a, b domain.FormerUser) int { return bytes.Compare(a.ID[:], b.ID[:]) })
			if got := leftOf(t, users...); !reflect.DeepEqual(got, want) {
				t.Errorf("they left\n%+v, want\n%+v", got, want)
			}
			if left := users[0].Clone().Left(); left != nil {
				t.Errorf("a copy left %+v", left)
			}
		})
	}
}

func TestAUserLeavesNoLeaseWithAnOpenLock(t *testing.T) {
	ann := newUser("ann", nil)
	must(t, ann.LockOpen(noon, time.Minute))
	ann.Expire(noon.Add(time.Hour))
	must(t, ann.LockOpen(noon.Add(time.Hour), 0))
	must(t, ann.ReleaseOpen(noon.Add(time.Hour)))
	if left := ann.Left(); left != nil {
		t.Errorf("it left %+v", left)
	}
}

func TestARefusedCallTellsHowTheLeaseEnded(t *testing.T) {
	ann, bob := newUser("ann", nil), newUser("bob", nil)
	users := []*domain.User{ann, bob}
	lease := grant(t, noon, time.Minute, users...)
	now := noon.Add(time.Hour)
	calls := func(now time.Time, users []*domain.User) map[string]error {
		_, read := domain.ReadLease(now, lease.ID, users)
		_, renew := domain.Renew(now, lease.ID, time.Minute, users)
		_, code := domain.GiveCode(now, lease.ID, users, ann.ID(), 0)
		return map[string]error{"read": read, "renew": renew, "code": code, "release": domain.Release(now, lease.ID, users)}
	}
	for name, users := range map[string][]*domain.User{"all users": users, "those that still have the lock": {bob}} {
		for call, err := range calls(now, users) {
			ended, ok := errors.AsType[*domain.EndedLeaseError](err)
			if !ok || ended.End != domain.LeaseExpired || ended.At != lease.ExpiresAt || !ended.Scope.CoversUsers(users) {
				t.Errorf("%s of %s = %v", call, name, err)
			}
		}
	}
	must(t, ann.LockOpen(now, 0))
	for call, err := range calls(now, users) {
		if ended, ok := errors.AsType[*domain.EndedLeaseError](err); !ok || ended.End != "" {
			t.Errorf("%s for a user with another lock = %v", call, err)
		}
	}
}

func TestAnEndedLeaseErrorSaysHowAndWhen(t *testing.T) {
	ended := &domain.EndedLeaseError{EndedLease: domain.EndedLease{End: domain.LeaseForced, At: noon}}
	if want := "lease is over: forced at " + noon.UTC().Format(time.RFC3339); ended.Error() != want {
		t.Errorf("got %q, want %q", ended, want)
	}
}

// A store may put the records of a lease together in any order and in any groups, and more than once.
func TestRecordsOfALeaseMergeInAnyOrder(t *testing.T) {
	ends := []domain.LeaseEnd{"", domain.LeaseExpired, domain.LeaseReleased, domain.LeaseForced}
	for seed := range uint64(2000) {
		random := rand.New(rand.NewPCG(seed, 0))
		record := func() domain.EndedLease {
			l := domain.EndedLease{End: ends[random.IntN(len(ends))], At: noon.Add(time.Duration(random.IntN(3)) * tick)}
			if random.IntN(6) > 0 {
				l.Scope = domain.Only(domain.ProjectID{byte(random.IntN(3))})
			}
			if random.IntN(6) > 0 {
				l.Users = []domain.FormerUser{{ID: domain.UserID{byte(random.IntN(3))}, Fence: random.Uint64N(3)}}
			}
			return l
		}
		a, b, c := record(), record(), record()
		want := a.Merge(b).Merge(c)
		for name, got := range map[string]domain.EndedLease{
			"another order": c.Merge(b).Merge(a), "other groups": a.Merge(b.Merge(c)), "one of them twice": want.Merge(b),
		} {
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("seed %d, %s: got %+v, want %+v", seed, name, got, want)
			}
		}
		for _, l := range []domain.EndedLease{a, b, c} {
			switch {
			case want.End == "" && l.End != "", want.End != "" && l.End != "" && l.At.Before(want.At):
				t.Fatalf("seed %d: %+v is not the earliest end that is known", seed, want)
			case !want.Scope.Covers(l.Scope), want.Scope.Limited && !l.Scope.Limited:
				t.Fatalf("seed %d: %+v lacks a project", seed, want)
			case want.Users != nil && l.Users == nil:
				t.Fatalf("seed %d: %+v has users although not all are known", seed, want)
			}
		}
	}
}
