package portstest

import (
	"errors"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

var endExpiredTests = []storeTest{
	{"records an expiry once, also if several calls run at once", endOnce},
	{"returns the time until the next lock expires", endNext},
	{"changes no lock that has not expired", endNothing},
	{"records no second expiry if a claim or a removal recorded it", endTaken},
	{"keeps a lease ended after it recorded the expiry", endLease},
	{"does not change which users have rested longest", endRest},
	{"quarantines users exactly when their lease expires, if its terms say so", endQuarantine},
	{"quarantines no user whose lease was released, renewed or forced", endInTime},
	{"allows a user to be restored before and after it records the expiry", endRestored},
	{"gives no waiter a user that goes into quarantine", endLine},
	{"remembers over a restart which users to quarantine", endRestart},
}

// endExpired records the locks that have expired, and returns the time until the next one expires.
func (f *farm) endExpired() time.Duration {
	f.Helper()
	next, err := f.store.EndExpired(f.Context())
	f.must(err)
	return next
}

// acquireStrictly acquires a lease that quarantines its users if it expires.
func (f *farm) acquireStrictly(want ...domain.Selector) domain.Lease {
	f.Helper()
	strict, err := domain.LeasePolicy{QuarantineOnExpiry: true}.Apply([]domain.Selector{anyone}, domain.Terms{Owner: "strict", TTL: ttl})
	f.must(err)
	lease, err := f.tryAcquireOn(strict, want...)
	f.must(err)
	return lease
}

func endOnce(f *farm) {
	users := f.addMany(12)
	f.acquire(times(8, anyone)...)
	f.acquire(times(3, anyone)...)
	f.must(f.lockOpen(f.list(ports.Query{Status: domain.Free})[0], ttl))
	f.advance(ttl)
	f.must(errors.Join(together(8, func(int) error {
		_, err := f.store.EndExpired(f.Context())
		return err
	})...))
	f.endExpired()
	for _, u := range users {
		f.wantKinds(u, domain.UserCreated, domain.UserAcquired, domain.UserExpired)
		if s := f.get(u.ID()).Snapshot(); s.Lock != nil || !s.ReleasedAt.Equal(f.now()) || s.Fence != 1 {
			f.Fatalf("a user whose lock has expired is %+v", s)
		}
	}
}

func endNext(f *farm) {
	users := f.addMany(5)
	f.wantNext(0)
	f.must(f.lockOpen(users[0].ID(), 0))
	f.wantNext(0)
	f.acquireFor(time.Minute, named(users[1]))
	f.acquireFor(10*time.Second, named(users[2]))
	f.must(f.lockOpen(users[3].ID(), 20*time.Second))
	f.wantNext(10 * time.Second)
	f.advance(10*time.Second - instant)
	f.wantNext(instant)
	f.wantKinds(users[2], domain.UserCreated, domain.UserAcquired)
	f.advance(instant)
	f.wantNext(10 * time.Second)
	f.wantKinds(users[2], domain.UserCreated, domain.UserAcquired, domain.UserExpired)
	f.advance(10 * time.Second)
	f.wantNext(40 * time.Second)
	f.advance(time.Hour)
	f.wantNext(0)
	f.wantKinds(users[0], domain.UserCreated, domain.UserAcquired)
}

// wantNext fails the test unless the next lock expires after this time.
func (f *farm) wantNext(want time.Duration) {
	f.Helper()
	if got := f.endExpired(); got != want {
		f.Fatalf("the next lock expires in %v, want %v", got, want)
	}
}

func endNothing(f *farm) {
	f.addMany(4)
	lease := f.acquire(anyone)
	strict := f.acquireStrictly(anyone)
	f.must(f.lockOpen(f.list(ports.Query{Status: domain.Free})[0], 0))
	before, history := f.everyone(), f.kinds(ports.EventQuery{})
	f.advance(ttl - instant)
	f.endExpired()
	for _, u := range before {
		f.wantSame(f.get(u.ID()), u)
	}
	if got := f.kinds(ports.EventQuery{}); len(got) != len(history) {
		f.Fatalf("the events are %v, and were %v", got, history)
	}
	f.must(f.release(lease.ID))
	f.must(f.release(strict.ID))
}

func endTaken(f *farm) {
	u, v := f.add(), f.add()
	f.acquireAs("ann", named(u), named(v))
	f.advance(ttl)
	f.acquireAs("bob", named(u))
	f.must(f.remove(v.ID()))
	f.endExpired()
	f.wantKinds(u, domain.UserCreated, domain.UserAcquired, domain.UserExpired, domain.UserAcquired)
	f.wantKinds(v, domain.UserCreated, domain.UserAcquired, domain.UserExpired, domain.UserRemoved)
	expired := f.historyOf(ports.EventQuery{UserID: u.ID()})[2]
	if expired.Owner != "ann" || expired.Fence != 1 || !expired.At.Equal(f.now()) {
		f.Fatalf("the expiry is recorded as %+v", expired)
	}
	f.wantStatus(u.ID(), domain.Locked)
}

func endLease(f *farm) {
	f.addMany(3)
	lease, strict := f.acquire(anyone, anyone), f.acquireStrictly(anyone)
	f.advance(ttl)
	f.endExpired()
	f.wantOver(lease.ID)
	f.wantOver(strict.ID)
	f.restart()
	f.wantOver(lease.ID)
	f.wantOver(strict.ID)
	f.wantLeaseErr(domain.NewLeaseID(), domain.ErrLeaseNotFound)
}

func endRest(f *farm) {
	users := f.addInOrder(3)
	f.acquireFor(20*time.Second, named(users[0]))
	f.acquireFor(10*time.Second, named(users[1]))
	f.advance(15 * time.Second)
	f.use(users[2])
	f.advance(time.Hour)
	f.endExpired()
	f.wantOrder(users[1], users[2], users[0])
}

func endQuarantine(f *farm) {
	u := f.add()
	pool := u.Snapshot().Pool
	lease := f.acquireStrictly(anyone)
	f.advance(ttl - instant)
	f.wantStatus(u.ID(), domain.Locked)
	f.wantCounts(domain.PoolCount{Pool: pool, Total: 1, Locked: 1})
	f.advance(instant)
	for range 2 { // before the expiry is recorded, and after
		f.wantStatus(u.ID(), domain.Quarantined)
		f.wantCounts(domain.PoolCount{Pool: pool, Total: 1, Quarantined: 1})
		f.wantUnmatched(domain.ErrPoolExhausted, []int{0}, anyone)
		f.wantRefused(domain.ErrUserQuarantined, 0, named(u))
		f.wantErr("an open lock", f.lockOpen(u.ID(), 0), domain.ErrUserQuarantined)
		f.wantOver(lease.ID)
		if q := f.get(u.ID()).View(f.now()).Quarantine; q == nil || !q.Since.Equal(lease.ExpiresAt) || q.Reason == "" {
			f.Fatalf("the quarantine is %+v, want one since %v", q, lease.ExpiresAt)
		}
		f.advance(time.Hour)
		f.endExpired()
	}
	if s := f.get(u.ID()).Snapshot(); s.Quarantine == nil || s.Lock != nil {
		f.Fatalf("the recorded user is %+v", s)
	}
	f.wantKinds(u, domain.UserCreated, domain.UserAcquired, domain.UserExpired, domain.UserQuarantined)
}

func endInTime(f *farm) {
	users := f.addMany(3)
	released, renewed := f.acquireStrictly(named(users[0])), f.acquireStrictly(named(users[1]))
	f.acquireStrictly(named(users[2]))
	f.must(f.release(released.ID))
	f.must(f.forceRelease(users[2].ID()))
	f.advance(ttl - instant)
	_, err := f.renew(renewed.ID, ttl)
	f.must(err)
	f.advance(ttl - instant)
	f.endExpired()
	f.wantStatus(users[0].ID(), domain.Free)
	f.wantStatus(users[1].ID(), domain.Locked)
	f.wantStatus(users[2].ID(), domain.Free)
	f.advance(instant)
	f.wantStatus(users[1].ID(), domain.Quarantined)

	// The next lease does not quarantine its users.
	f.acquire(named(users[0]))
	f.advance(ttl)
	f.wantStatus(users[0].ID(), domain.Free)
}

func endRestored(f *farm) {
	for _, written := range []bool{false, true} {
		u := f.add()
		f.acquireStrictly(named(u))
		f.advance(ttl)
		if written {
			f.endExpired()
		}
		f.must(f.update(u.ID(), restored))
		f.wantStatus(u.ID(), domain.Free)
		f.endExpired()
		f.wantStatus(u.ID(), domain.Free)
		f.wantKinds(u, domain.UserCreated, domain.UserAcquired, domain.UserExpired, domain.UserQuarantined, domain.UserRestored)
		f.acquireFor(time.Hour, named(u))
		f.wantFence(u.ID(), 2)
	}
}

func endLine(f *farm) {
	u, other := f.add(), f.add()
	f.acquireFor(time.Hour, named(other))
	f.acquireStrictly(named(u))
	f.advance(ttl - 10*time.Second)
	w := f.stand(anyone)
	f.advance(10 * time.Second)
	f.wantWaiting(w)
	f.endExpired()
	f.wantWaiting(w)
	f.must(f.update(u.ID(), restored))
	f.wantUsers(w.served(), u)
}

func endRestart(f *farm) {
	u := f.add()
	lease := f.acquireStrictly(anyone)
	f.restart()
	read, err := f.read(lease.ID)
	f.must(err)
	f.wantLease(read, lease)
	f.advance(ttl)
	f.wantStatus(u.ID(), domain.Quarantined)
	f.restart()
	f.wantStatus(u.ID(), domain.Quarantined)
	f.endExpired()
	f.restart()
	f.wantStatus(u.ID(), domain.Quarantined)
}
