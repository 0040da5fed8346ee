package portstest

import (
	"fmt"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

var restartTests = []storeTest{
	{"keeps everything that it has answered", restartKeeps},
	{"tells leases that are held, over and forgotten apart", restartLeases},
}

func restartKeeps(f *farm) {
	full := f.add(withLogin("Zoë \U0001f642 'quoted' \\ %s ?"), withLabels(domain.Labels{"role": "admin", "empty": ""}),
		func(s *domain.Spec) { s.Password = domain.NewSecret("pä$$wörd \U0001f511 \"'\\") })
	held, open, broken, worn, gone := f.add(), f.add(), f.add(), f.add(), f.add()
	lease := f.acquire(named(held), named(full))
	f.must(f.lockOpen(open.ID(), 0))
	f.must(f.quarantine(broken.ID(), "password rejected"))
	for range 3 {
		f.use(worn)
		f.advance(time.Second)
	}
	f.must(f.remove(gone.ID()))
	before := f.everyone()
	counts, err := f.store.CountPools(f.Context(), domain.Scope{})
	f.must(err)

	f.restart()
	f.wantIDs("list", f.list(ports.Query{}), ids(before))
	for _, u := range before {
		f.wantSame(f.get(u.ID()), u)
	}
	f.wantCounts(counts...)
	read, err := f.read(lease.ID)
	f.must(err)
	f.wantLease(read, lease)
	f.wantErr("adding the same login", f.store.Add(f.Context(), domain.Once{}, f.build(withLogin(worn.Snapshot().Login))), domain.ErrUserExists)

	f.wantUsers(f.acquire(anyone), worn)
	f.wantFence(worn.ID(), 4)
}

func restartLeases(f *farm) {
	users := f.addMany(5)
	held := f.acquire(named(users[0]))
	released := f.acquire(named(users[1]))
	f.must(f.release(released.ID))
	expired := f.acquireFor(time.Second, named(users[2]))
	taken := f.acquireFor(time.Second, named(users[3]))
	forced := f.acquire(named(users[4]))
	f.must(f.forceRelease(users[4].ID()))
	f.advance(time.Second)
	f.acquire(named(users[3]))

	f.restart()
	_, err := f.renew(held.ID, ttl)
	f.must(err)
	f.wantCarriers(expired.ID, users[2])
	for what, lease := range map[string]domain.Lease{"released": released, "taken": taken, "forced": forced} {
		f.wantErr(fmt.Sprint("releasing the lease that was ", what), f.release(lease.ID), domain.ErrLeaseExpired)
		f.wantLeaseErr(lease.ID, domain.ErrLeaseExpired)
	}

	f.advance(time.Hour)
	f.must(f.store.Forget(f.Context(), ports.Ages{Leases: time.Minute, Events: time.Minute}))
	f.restart()
	for _, lease := range []domain.Lease{released, taken, forced} {
		f.wantLeaseErr(lease.ID, domain.ErrLeaseNotFound)
	}
	f.must(f.release(f.acquire(named(users[0])).ID))
	f.wantLeaseErr(held.ID, domain.ErrLeaseExpired)
}
