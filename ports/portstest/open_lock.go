package portstest

import (
	"time"

	"github.com/userfarm/userfarm/domain"
)

var openLockTests = []storeTest{
	{"never expires by default", openForever},
	{"ends exactly at its expiry, if it has one", openExpires},
	{"belongs to no lease", openNoLease},
	{"can be forced", openForced},
	{"is rejected for a user that is held or in quarantine", openRefused},
}

func openForever(f *farm) {
	u := f.add()
	f.must(f.lockOpen(u.ID(), 0))
	f.advance(100_000 * time.Hour)
	f.wantStatus(u.ID(), domain.Locked)
	f.wantUnmatched(domain.ErrPoolExhausted, []int{0}, anyone)
	f.wantErr("locking it again", f.lockOpen(u.ID(), 0), domain.ErrUserLocked)

	f.must(f.releaseOpen(u.ID()))
	f.wantStatus(u.ID(), domain.Free)
	f.wantErr("releasing it again", f.releaseOpen(u.ID()), domain.ErrUserFree)
	f.wantUsers(f.acquire(anyone), u)
	f.wantFence(u.ID(), 2)
}

func openExpires(f *farm) {
	u := f.add()
	f.must(f.lockOpen(u.ID(), ttl))
	s := u.Snapshot()
	s.Fence, s.Lock = 1, &domain.Lock{AcquiredAt: f.now(), ExpiresAt: f.now().Add(ttl)}
	f.wantSame(f.get(u.ID()), domain.Restore(s))

	f.advance(ttl - instant)
	f.wantStatus(u.ID(), domain.Locked)
	f.wantErr("locking it again", f.lockOpen(u.ID(), 0), domain.ErrUserLocked)
	f.advance(instant)
	f.wantStatus(u.ID(), domain.Free)
	f.wantErr("releasing it", f.releaseOpen(u.ID()), domain.ErrUserFree)
	f.must(f.lockOpen(u.ID(), 0))
	f.wantFence(u.ID(), 2)
}

func openNoLease(f *farm) {
	a, b := f.add(), f.add()
	f.must(f.lockOpen(a.ID(), 0))
	f.must(f.lockOpen(b.ID(), 0))
	f.wantLeaseErr(domain.NewLeaseID(), domain.ErrLeaseNotFound)
	f.must(f.releaseOpen(a.ID()))
	f.wantStatus(b.ID(), domain.Locked)
}

func openForced(f *farm) {
	u := f.add()
	f.must(f.lockOpen(u.ID(), 0))
	f.must(f.forceRelease(u.ID()))
	f.wantStatus(u.ID(), domain.Free)
	f.must(f.forceRelease(u.ID()))
	f.wantStatus(u.ID(), domain.Free)
}

func openRefused(f *farm) {
	held, broken := f.add(), f.add()
	lease := f.acquire(named(held))
	f.must(f.quarantine(broken.ID(), "broken"))
	f.wantErr("open lock of a held user", f.lockOpen(held.ID(), 0), domain.ErrUserLocked)
	f.wantErr("open lock of a broken user", f.lockOpen(broken.ID(), 0), domain.ErrUserQuarantined)
	f.wantErr("open release of a held user", f.releaseOpen(held.ID()), domain.ErrHeldByLease)
	_, err := f.read(lease.ID)
	f.must(err)
}
