package portstest

import (
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

var forgetTests = []storeTest{
	{"forgets a lease only when it ended longer ago than the age", forgetOld},
	{"forgets no lease that is still recorded at a user", forgetCarried},
	{"changes no user", forgetNoUser},
}

func forgetOld(f *farm) {
	f.addMany(2)
	old, young := f.acquire(anyone), f.acquire(anyone)
	f.must(f.release(old.ID))
	f.advance(time.Second)
	f.must(f.release(young.ID))
	f.advance(time.Hour - time.Second)

	f.must(f.store.Forget(f.Context(), ports.Ages{Leases: time.Hour, Events: time.Hour}))
	f.wantLeaseErr(old.ID, domain.ErrLeaseExpired)
	f.advance(instant)
	f.must(f.store.Forget(f.Context(), ports.Ages{Leases: time.Hour, Events: time.Hour}))
	f.wantLeaseErr(old.ID, domain.ErrLeaseNotFound)
	f.wantLeaseErr(young.ID, domain.ErrLeaseExpired)
}

func forgetCarried(f *farm) {
	a, b := f.add(), f.add()
	live := f.acquireFor(3*time.Hour, named(a))
	expired := f.acquire(named(b))
	f.advance(2 * time.Hour)
	f.must(f.store.Forget(f.Context(), ports.Ages{Leases: time.Minute, Events: time.Minute}))
	f.wantCarriers(expired.ID, b)
	read, err := f.read(live.ID)
	f.must(err)
	f.wantLease(read, live)

	f.must(f.release(live.ID))
	f.wantLeaseErr(live.ID, domain.ErrLeaseExpired)
}

func forgetNoUser(f *farm) {
	f.addMany(2)
	f.must(f.release(f.acquire(anyone).ID))
	lease := f.acquire(anyone)
	f.advance(time.Hour)
	users := f.everyone()
	f.must(f.store.Forget(f.Context(), ports.Ages{Leases: 0, Events: 0}))
	for _, u := range users {
		f.wantSame(f.get(u.ID()), u)
	}
	f.wantOver(lease.ID)
}
