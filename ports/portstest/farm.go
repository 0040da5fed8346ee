package portstest

import (
	"fmt"
	"testing"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// farm is a store under test, with the calls that use cases make.
type farm struct {
	testing.TB
	subject Subject
	store   ports.Store
	born    time.Time // when the test began, by the store's clock
	users   int       // how many the test has built
}

func newFarm(t testing.TB, subject Subject) *farm {
	f := &farm{TB: t, subject: subject, store: secretCheck{subject.Store, t, subject.Observed}}
	f.born = f.now()
	return f
}

// ttl is the duration of leases in tests that set no other.
const ttl = time.Minute

// instant is the smallest step of the store's clock.
const instant = time.Microsecond

// tryAcquire acquires a lease for ttl as a use case does.
func (f *farm) tryAcquire(want ...domain.Selector) (domain.Lease, error) {
	return f.tryAcquireFor(ttl, want...)
}

func (f *farm) tryAcquireFor(ttl time.Duration, want ...domain.Selector) (domain.Lease, error) {
	return f.tryAcquireOn(domain.Terms{Owner: "ci-4711/worker-3", Note: "a note", TTL: ttl}, want...)
}

// tryAcquireOn acquires a lease on these terms.
func (f *farm) tryAcquireOn(terms domain.Terms, want ...domain.Selector) (domain.Lease, error) {
	id := domain.NewLeaseID()
	var lease domain.Lease
	users, err := f.store.Claim(f.Context(), ports.Claim{Want: want, Decide: func(now time.Time, users []*domain.User) (err error) {
		lease, err = domain.Grant(now, id, terms, users)
		return err
	}})
	if err != nil {
		return domain.Lease{}, err
	}
	if len(users) != len(want) {
		return domain.Lease{}, fmt.Errorf("claim returned %d users for %d selectors", len(users), len(want))
	}
	for i, u := range users {
		if u.ID() != lease.Users[i].ID {
			return domain.Lease{}, fmt.Errorf("claim returned %v as user %d, but decide saw %v", u.ID(), i, lease.Users[i].ID)
		}
	}
	return lease, nil
}

// acquire is tryAcquire, but an error fails the test.
func (f *farm) acquire(want ...domain.Selector) domain.Lease {
	f.Helper()
	return f.acquireFor(ttl, want...)
}

func (f *farm) acquireFor(ttl time.Duration, want ...domain.Selector) domain.Lease {
	f.Helper()
	lease, err := f.tryAcquireFor(ttl, want...)
	if err != nil {
		f.Fatalf("acquire %+v: %v", want, err)
	}
	return lease
}

// read returns a lease as its holder sees it.
func (f *farm) read(id domain.LeaseID) (domain.Lease, error) {
	users, now, err := f.store.Find(f.Context(), ports.ByLease(id.Digest()))
	if err != nil {
		return domain.Lease{}, err
	}
	return domain.ReadLease(now, id, users)
}

func (f *farm) renew(id domain.LeaseID, ttl time.Duration) (lease domain.Lease, err error) {
	_, err = f.store.Update(f.Context(), ports.ByLease(id.Digest()), func(now time.Time, users []*domain.User) (err error) {
		lease, err = domain.Renew(now, id, ttl, users)
		return err
	})
	return lease, err
}

func (f *farm) release(id domain.LeaseID, faults ...domain.Fault) error {
	_, err := f.store.Update(f.Context(), ports.ByLease(id.Digest()), func(now time.Time, users []*domain.User) error {
		return domain.Release(now, id, users, faults...)
	})
	return err
}

// forceRelease ends the lock on one user, and does not change the other users of its lease.
func (f *farm) forceRelease(id domain.UserID) error {
	return f.update(id, func(now time.Time, u *domain.User) error {
		return domain.ForceRelease(now, []*domain.User{u}, "")
	})
}

// update changes one user.
func (f *farm) update(id domain.UserID, change func(now time.Time, u *domain.User) error) error {
	_, err := f.store.Update(f.Context(), ports.ByUser(id), func(now time.Time, users []*domain.User) error {
		if len(users) != 1 || users[0].ID() != id {
			return fmt.Errorf("update passed %d users to decide, want only %v", len(users), id)
		}
		return change(now, users[0])
	})
	return err
}

func (f *farm) lockOpen(id domain.UserID, ttl time.Duration) error {
	return f.update(id, func(now time.Time, u *domain.User) error { return u.LockOpen(now, ttl) })
}

func (f *farm) releaseOpen(id domain.UserID) error {
	return f.update(id, func(now time.Time, u *domain.User) error { return u.ReleaseOpen(now) })
}

func (f *farm) quarantine(id domain.UserID, reason string) error {
	return f.update(id, func(now time.Time, u *domain.User) error { return u.Quarantine(now, reason) })
}

func (f *farm) remove(id domain.UserID) error {
	return f.store.Remove(f.Context(), id, func(now time.Time, users []*domain.User) error {
		if len(users) != 1 || users[0].ID() != id {
			return fmt.Errorf("remove passed %d users to decide, want only %v", len(users), id)
		}
		return users[0].Remove(now, "")
	})
}

// get returns a user as the store has it.
func (f *farm) get(id domain.UserID) *domain.User {
	f.Helper()
	users, _, err := f.store.Find(f.Context(), ports.ByUser(id))
	if err != nil {
		f.Fatalf("Find %v: %v", id, err)
	}
	if len(users) != 1 {
		f.Fatalf("Find %v returned %d users", id, len(users))
	}
	return users[0]
}

// list returns the ids of all users that match q. It sets the limit of q.
func (f *farm) list(q ports.Query) []domain.UserID {
	f.Helper()
	q.Limit = 1000
	page, err := f.store.List(f.Context(), q)
	if err != nil {
		f.Fatalf("List: %v", err)
	}
	if page.More {
		f.Fatalf("List returned all %d users and says that there are more", len(page.Users))
	}
	return ids(page.Users)
}

// everyone returns all users as the store has them, in the order of their ids.
func (f *farm) everyone() []*domain.User {
	f.Helper()
	page, err := f.store.List(f.Context(), ports.Query{Limit: 1000})
	f.must(err)
	return page.Users
}

// now returns the time of the store's clock.
func (f *farm) now() time.Time {
	f.Helper()
	page, err := f.store.List(f.Context(), ports.Query{Limit: 1})
	if err != nil {
		f.Fatalf("List: %v", err)
	}
	return page.Now
}

func (f *farm) advance(d time.Duration) {
	f.Helper()
	f.subject.Advance(d)
}

// restart restarts the store, if the store survives a restart.
func (f *farm) restart() {
	f.Helper()
	if f.subject.Restart != nil {
		f.store = secretCheck{f.subject.Restart(), f, f.subject.Observed}
	}
}
