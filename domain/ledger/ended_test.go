package ledger_test

import (
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/ledger"
)

// leased returns a user with the lock of lease 0.
func leased(n byte, position, size int, expires time.Time) *domain.User {
	return domain.Restore(domain.Snapshot{
		ID: userID(n), Login: "user", Password: domain.NewSecret("pw"), Pool: pool, Fence: uint64(n) + 1,
		Lock: &domain.Lock{
			Lease: leaseID(0).Digest(), Position: position, Size: size, AcquiredAt: now.Add(-time.Hour), ExpiresAt: expires,
		},
	})
}

func TestALeaseEndsWithAllOfItsUsers(t *testing.T) {
	l := ledger.Open(ledger.Loaded{Now: now, Complete: true, Users: []ledger.Row{
		ledger.RowOf(leased(1, 0, 2, now.Add(time.Hour))), ledger.RowOf(leased(0, 1, 2, now.Add(time.Hour))),
	}})
	err := l.Apply(&ledger.Update{Target: ledger.Target{Lease: leaseID(0).Digest()}, Decide: func(now time.Time, users []*domain.User) error {
		return domain.Release(now, leaseID(0), users)
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := []domain.EndedLease{{
		Lease: leaseID(0).Digest(), End: domain.LeaseReleased, At: now, Scope: domain.Only(pool.ProjectID),
		Users: []domain.FormerUser{{ID: userID(0), Fence: 1}, {ID: userID(1), Fence: 2}},
	}}
	if got := l.Changes().Ended; !reflect.DeepEqual(got, want) {
		t.Errorf("it ended %+v, want %+v", got, want)
	}
}

func TestARemovalEndsTheLease(t *testing.T) {
	expired := now.Add(-time.Minute)
	for name, c := range map[string]struct {
		expires time.Time
		decide  ledger.Decide
		end     domain.LeaseEnd
		at      time.Time
	}{
		"that has expired": {expired, func(now time.Time, users []*domain.User) error { return users[0].Remove(now, "") }, domain.LeaseExpired, expired},
		"in an unknown way, if the domain was not asked": {now.Add(time.Hour), func(time.Time, []*domain.User) error { return nil }, "", now},
	} {
		l := ledger.Open(ledger.Loaded{Now: now, Complete: true, Users: []ledger.Row{ledger.RowOf(leased(0, 0, 1, c.expires))}})
		if err := l.Apply(&ledger.Remove{User: userID(0), Decide: c.decide}); err != nil {
			t.Fatal(err)
		}
		want := []domain.EndedLease{{
			Lease: leaseID(0).Digest(), End: c.end, At: c.at, Scope: domain.Only(pool.ProjectID), Users: []domain.FormerUser{{ID: userID(0), Fence: 1}},
		}}
		if got := l.Changes().Ended; !reflect.DeepEqual(got, want) {
			t.Errorf("a lease %s: got %+v, want %+v", name, got, want)
		}
	}
}

func TestWhyNoLeaseMergesWhatIsRemembered(t *testing.T) {
	if err := ledger.WhyNoLease(); !errors.Is(err, domain.ErrLeaseNotFound) {
		t.Errorf("without a record: %v", err)
	}
	records := []domain.EndedLease{
		{End: domain.LeaseExpired, At: now, Scope: domain.Only(domain.ProjectID{1}), Users: []domain.FormerUser{{ID: userID(0), Fence: 7}}},
		{End: domain.LeaseExpired, At: now, Scope: domain.Only(domain.ProjectID{2}), Users: []domain.FormerUser{{ID: userID(0)}}},
		{End: domain.LeaseExpired, At: now, Scope: domain.Only(domain.ProjectID{1}), Users: []domain.FormerUser{{ID: userID(1), Fence: 1}}},
	}
	want := domain.EndedLease{
		End: domain.LeaseExpired, At: now, Scope: domain.Only(domain.ProjectID{1}, domain.ProjectID{2}),
		Users: []domain.FormerUser{{ID: userID(0)}, {ID: userID(1), Fence: 1}},
	}
	for range 2 {
		ended, ok := errors.AsType[*domain.EndedLeaseError](ledger.WhyNoLease(records...))
		if !ok || !reflect.DeepEqual(ended.EndedLease, want) {
			t.Errorf("got %+v, want %+v", ended, want)
		}
		slices.Reverse(records)
	}
}
