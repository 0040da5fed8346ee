package portstest

import (
	"bytes"
	"errors"
	"reflect"
	"slices"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

var leaseEndTests = []storeTest{
	{"tells that a lease was released, and when", leaseEndReleased},
	{"tells that a lease was forced, and when", leaseEndForced},
	{"tells that a lease expired, and when, while its users still have its lock", leaseEndCarried},
	{"tells when a lease expired, not when that was recorded, in whatever way", leaseEndExpired},
	{"tells the end of a lease whose users left it one after the other", leaseEndApart},
	{"tells the earliest end, if the locks of a lease ended one by one", leaseEndEarliest},
	{"remembers the end of a lease and its users over a restart", leaseEndRestart},
}

// ended returns what the store tells of a lease that is over, if no user has its lock anymore.
func (f *farm) ended(id domain.LeaseID) domain.EndedLease {
	f.Helper()
	_, _, found := f.store.Find(f.Context(), ports.ByLease(id.Digest()))
	_, updated := f.store.Update(f.Context(), ports.ByLease(id.Digest()), f.undecided)
	fromFind, ok := errors.AsType[*domain.EndedLeaseError](found)
	fromUpdate, also := errors.AsType[*domain.EndedLeaseError](updated)
	if !ok || !also || !reflect.DeepEqual(fromFind, fromUpdate) {
		f.Fatalf("Find = %v, Update = %v", found, updated)
	}
	if fromFind.Lease != id.Digest() {
		f.Fatalf("the error is about another lease")
	}
	return fromFind.EndedLease
}

// wantEnd fails the test unless the lease ended in this way, had these users in any order, and locked each for the first time.
func (f *farm) wantEnd(id domain.LeaseID, end domain.LeaseEnd, at time.Time, users ...*domain.User) {
	f.Helper()
	ended := f.ended(id)
	if ended.End != end || ended.At != at.UTC() {
		f.Fatalf("the lease was %s at %v, want %s at %v", ended.End, ended.At, end, at)
	}
	var want []domain.FormerUser
	for _, u := range users {
		want = append(want, domain.FormerUser{ID: u.ID(), Fence: 1})
	}
	slices.SortFunc(want, func(a, b domain.FormerUser) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	if !slices.Equal(ended.Users, want) {
		f.Fatalf("the lease had the users %v, want %v", ended.Users, want)
	}
}

func leaseEndReleased(f *farm) {
	users := f.addMany(3)
	lease := f.acquire(named(users[2]), named(users[0]))
	f.advance(time.Second)
	at := f.now()
	f.must(f.release(lease.ID))
	f.advance(time.Hour)
	f.wantEnd(lease.ID, domain.LeaseReleased, at, users[0], users[2])
	f.acquire(named(users[0]))
	f.wantEnd(lease.ID, domain.LeaseReleased, at, users[0], users[2])
}

func leaseEndForced(f *farm) {
	users := f.addMany(2)
	lease := f.acquire(anyone, anyone)
	f.advance(time.Second)
	at := f.now()
	_, err := f.store.Update(f.Context(), ports.ByLease(lease.ID.Digest()), func(now time.Time, users []*domain.User) error {
		return domain.ForceRelease(now, users, "stuck")
	})
	f.must(err)
	f.advance(time.Hour)
	f.wantEnd(lease.ID, domain.LeaseForced, at, users...)
}

func leaseEndCarried(f *farm) {
	users := f.addMany(2)
	lease := f.acquire(anyone, anyone)
	f.advance(time.Second)
	renewed, err := f.renew(lease.ID, time.Hour)
	f.must(err)
	wantExpired := func() {
		f.Helper()
		_, read := f.read(lease.ID)
		_, renew := f.renew(lease.ID, time.Hour)
		for call, err := range map[string]error{"read": read, "renew": renew, "release": f.release(lease.ID)} {
			ended, ok := errors.AsType[*domain.EndedLeaseError](err)
			if !ok || ended.End != domain.LeaseExpired || ended.At != renewed.ExpiresAt {
				f.Fatalf("%s = %v, want that the lease expired at %v", call, err, renewed.ExpiresAt)
			}
		}
	}
	f.advance(time.Hour)
	wantExpired()
	f.advance(time.Hour)
	f.acquire(named(users[0]))
	f.wantCarriers(lease.ID, users[1])
	wantExpired()
	f.must(f.remove(users[1].ID()))
	f.wantEnd(lease.ID, domain.LeaseExpired, renewed.ExpiresAt, users...)
}

func leaseEndExpired(f *farm) {
	for _, record := range []func(u *domain.User){
		func(*domain.User) { f.endExpired() },
		func(u *domain.User) { f.acquire(named(u)) },
		func(u *domain.User) { f.must(f.lockOpen(u.ID(), 0)) },
		func(u *domain.User) { f.must(f.remove(u.ID())) },
		func(u *domain.User) { f.must(f.recordExpiry(u.ID())) },
	} {
		u := f.add()
		lease := f.acquire(named(u))
		f.advance(time.Hour)
		record(u)
		f.wantEnd(lease.ID, domain.LeaseExpired, lease.ExpiresAt, u)
	}
	u := f.add()
	lease := f.acquireStrictly(named(u))
	f.advance(time.Hour)
	f.must(f.update(u.ID(), restored))
	f.wantEnd(lease.ID, domain.LeaseExpired, lease.ExpiresAt, u)
}

// recordExpiry records that the lock of a user has expired.
func (f *farm) recordExpiry(id domain.UserID) error {
	return f.update(id, func(now time.Time, u *domain.User) error {
		return domain.RecordExpiry(now, []*domain.User{u}, nil)
	})
}

func leaseEndApart(f *farm) {
	users := f.addMany(4)
	lease := f.acquire(named(users[3]), named(users[1]), named(users[0]), named(users[2]))
	f.advance(2 * ttl)
	f.acquire(named(users[0]))
	f.advance(time.Second)
	f.must(f.remove(users[3].ID()))
	f.advance(time.Second)
	f.must(f.lockOpen(users[1].ID(), 0))
	f.wantCarriers(lease.ID, users[2])
	f.endExpired()
	f.wantEnd(lease.ID, domain.LeaseExpired, lease.ExpiresAt, users...)
}

func leaseEndEarliest(f *farm) {
	users := f.addMany(2)
	lease := f.acquire(anyone, anyone)
	f.advance(time.Second)
	at := f.now()
	f.must(f.forceRelease(users[1].ID()))
	f.advance(time.Second)
	f.must(f.release(lease.ID))
	f.wantEnd(lease.ID, domain.LeaseForced, at, users...)
}

func leaseEndRestart(f *farm) {
	users := f.addMany(3)
	released, expired := f.acquire(named(users[0])), f.acquire(named(users[1]), named(users[2]))
	at := f.now()
	f.must(f.release(released.ID))
	f.advance(2 * ttl)
	f.acquire(named(users[1]))
	f.restart()
	f.acquire(named(users[2]))
	f.restart()
	f.wantEnd(released.ID, domain.LeaseReleased, at, users[0])
	f.wantEnd(expired.ID, domain.LeaseExpired, expired.ExpiresAt, users[1], users[2])
}
