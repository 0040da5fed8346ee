package portstest

import (
	"time"

	"github.com/userfarm/userfarm/domain"
)

var expiryTests = []storeTest{
	{"keeps a lease until the instant before it expires", expiryBefore},
	{"ends a lease exactly when it expires", expiryExactly},
	{"lets a lease be renewed until the instant before it expires", expiryRenew},
	{"lets a lease be released until the instant before it expires", expiryRelease},
	{"ends a lease at its new expiry, whether it is later or earlier", expiryRenewed},
	{"ends a lease for all of its users at once", expiryTogether},
	{"raises the fence after a release, an expiry and a forced release", expiryFence},
}

func expiryBefore(f *farm) {
	u := f.add()
	lease := f.acquire(anyone)
	f.advance(ttl - instant)
	f.wantStatus(u.ID(), domain.Locked)
	f.wantCounts(domain.PoolCount{Pool: u.Snapshot().Pool, Total: 1, Locked: 1})
	f.wantUnmatched(domain.ErrPoolExhausted, []int{0}, anyone)
	f.wantRefused(domain.ErrUserLocked, 0, named(u))
	f.wantErr("removing it", f.remove(u.ID()), domain.ErrUserLocked)
	read, err := f.read(lease.ID)
	f.must(err)
	f.wantLease(read, lease)
}

func expiryExactly(f *farm) {
	u := f.add()
	lease := f.acquire(anyone)
	f.advance(ttl)
	if now := f.now(); !now.Equal(lease.ExpiresAt) {
		f.Fatalf("the time is %v, not the expiry %v", now, lease.ExpiresAt)
	}
	f.wantStatus(u.ID(), domain.Free)
	f.wantCounts(domain.PoolCount{Pool: u.Snapshot().Pool, Total: 1, Free: 1})
	f.wantOver(lease.ID)
	f.wantFence(u.ID(), 1)

	again := f.acquire(anyone)
	f.wantUsers(again, u)
	f.wantOver(lease.ID)
	read, err := f.read(again.ID)
	f.must(err)
	f.wantLease(read, again)
}

func expiryRenew(f *farm) {
	u := f.add()
	lease := f.acquire(anyone)
	f.advance(ttl - instant)
	renewed, err := f.renew(lease.ID, ttl)
	f.must(err)
	lease.ExpiresAt = f.now().Add(ttl)
	f.wantLease(renewed, lease)
	f.wantFence(u.ID(), 1)

	f.advance(ttl - instant)
	f.wantStatus(u.ID(), domain.Locked)
}

func expiryRelease(f *farm) {
	u := f.add()
	lease := f.acquire(anyone)
	f.advance(ttl - instant)
	f.must(f.release(lease.ID))
	f.wantStatus(u.ID(), domain.Free)
	if released := f.get(u.ID()).Snapshot().ReleasedAt; !released.Equal(f.now()) {
		f.Fatalf("released at %v, want %v", released, f.now())
	}
	f.wantOver(lease.ID)
}

func expiryRenewed(f *farm) {
	f.add()
	lease := f.acquireFor(10*time.Second, anyone)
	_, err := f.renew(lease.ID, time.Hour)
	f.must(err)
	f.advance(time.Minute)
	_, err = f.renew(lease.ID, time.Second)
	f.must(err)
	f.advance(time.Second - instant)
	_, err = f.read(lease.ID)
	f.must(err)
	f.advance(instant)
	f.wantOver(lease.ID)
}

func expiryTogether(f *farm) {
	users := f.addMany(3)
	lease := f.acquire(times(3, anyone)...)
	f.advance(time.Second)
	renewed, err := f.renew(lease.ID, ttl)
	f.must(err)
	f.advance(ttl - instant)
	read, err := f.read(lease.ID)
	f.must(err)
	f.wantLease(read, renewed)
	f.advance(instant)
	for _, u := range users {
		f.wantStatus(u.ID(), domain.Free)
	}
	// Another lease holds one of the users now. For the other users, the lease has ended, too.
	f.acquire(named(users[0]))
	f.wantOver(lease.ID)
	f.wantStatus(users[1].ID(), domain.Free)
}

func expiryFence(f *farm) {
	u := f.add()
	ends := []func(lease domain.Lease){
		func(lease domain.Lease) { f.must(f.release(lease.ID)) },
		func(domain.Lease) { f.advance(ttl) },
		func(domain.Lease) { f.must(f.forceRelease(u.ID())) },
		func(domain.Lease) {
			f.must(f.forceRelease(u.ID()))
			f.must(f.lockOpen(u.ID(), 0))
			f.must(f.releaseOpen(u.ID()))
		},
		func(domain.Lease) {
			f.advance(ttl)
			f.must(f.lockOpen(u.ID(), ttl))
			f.advance(ttl)
		},
		func(lease domain.Lease) {
			_, err := f.renew(lease.ID, ttl)
			f.must(err)
			f.must(f.release(lease.ID, domain.Fault{UserID: u.ID(), Reason: "broken"}))
			f.must(f.update(u.ID(), restored))
		},
	}
	fences := []uint64{1, 2, 3, 4, 6, 8, 9}
	for i, end := range ends {
		lease := f.acquire(anyone)
		if got := lease.Users[0].Fence; got != fences[i] {
			f.Fatalf("lock %d has fence %d, want %d", i, got, fences[i])
		}
		end(lease)
		f.restart()
		f.wantStatus(u.ID(), domain.Free)
	}
	if got := f.acquire(anyone).Users[0].Fence; got != fences[len(ends)] {
		f.Fatalf("the last lock has fence %d, want %d", got, fences[len(ends)])
	}
}

// wantOver fails the test unless every operation on the lease says that it is over, and changes nothing.
func (f *farm) wantOver(id domain.LeaseID) {
	f.Helper()
	before := f.everyone()
	_, err := f.read(id)
	f.wantErr("read", err, domain.ErrLeaseExpired)
	_, err = f.renew(id, ttl)
	f.wantErr("renew", err, domain.ErrLeaseExpired)
	f.wantErr("release", f.release(id), domain.ErrLeaseExpired)
	for _, u := range before {
		f.wantSame(f.get(u.ID()), u)
	}
}

// restored restores a user from quarantine.
func restored(now time.Time, u *domain.User) error { return u.Restore(now, "") }
