package portstest

import (
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

var findTests = []storeTest{
	{"finds a user by its id", findUser},
	{"does not find an unknown user", findUnknown},
	{"finds the users of a lease in its order", findLease},
	{"does not find a lease that never existed", findNoLease},
	{"remembers a lease that was released", findReleased},
	{"remembers a lease that was forced", findForced},
	{"finds an expired lease until its last user is taken", findTaken},
	{"finds an expired lease until its last user is removed", findRemoved},
}

func findUser(f *farm) {
	u, other := f.add(), f.add()
	f.wantSame(f.get(u.ID()), u)
	f.wantSame(f.get(other.ID()), other)
}

func findUnknown(f *farm) {
	f.add()
	for _, id := range []domain.UserID{{}, f.build().ID()} {
		_, _, err := f.store.Find(f.Context(), ports.ByUser(id))
		f.wantErr("Find", err, domain.ErrUserNotFound)
	}
}

func findLease(f *farm) {
	users := f.addInOrder(3, withRole("plain"))
	first, second := f.add(withRole("first")), f.add(withRole("second"))
	other := f.acquire(named(users[1]))

	lease := f.acquire(named(users[2]), role("second"), named(users[0]), role("first"))
	f.wantUsers(lease, users[2], second, users[0], first)
	read, err := f.read(lease.ID)
	f.must(err)
	f.wantUsers(read, users[2], second, users[0], first)
	f.wantLease(read, lease)

	read, err = f.read(other.ID)
	f.must(err)
	f.wantLease(read, other)
}

func findNoLease(f *farm) {
	f.add()
	f.acquire(anyone)
	f.wantLeaseErr(domain.NewLeaseID(), domain.ErrLeaseNotFound)
}

func findReleased(f *farm) {
	f.addMany(2)
	lease := f.acquire(anyone, anyone)
	f.must(f.release(lease.ID))
	f.wantLeaseErr(lease.ID, domain.ErrLeaseExpired)

	f.acquire(anyone, anyone)
	f.wantLeaseErr(lease.ID, domain.ErrLeaseExpired)
}

func findForced(f *farm) {
	u := f.add()
	lease := f.acquire(anyone)
	f.must(f.forceRelease(u.ID()))
	f.wantLeaseErr(lease.ID, domain.ErrLeaseExpired)
}

func findTaken(f *farm) {
	a, b := f.add(), f.add()
	lease := f.acquire(named(a), named(b))
	f.advance(ttl)
	f.acquire(named(a))
	f.wantCarriers(lease.ID, b)

	f.must(f.lockOpen(b.ID(), 0))
	f.wantLeaseErr(lease.ID, domain.ErrLeaseExpired)
}

func findRemoved(f *farm) {
	a, b := f.add(), f.add()
	lease := f.acquire(named(a), named(b))
	f.advance(ttl)
	f.must(f.remove(b.ID()))
	f.wantCarriers(lease.ID, a)

	f.must(f.remove(a.ID()))
	f.wantLeaseErr(lease.ID, domain.ErrLeaseExpired)
}

// wantCarriers fails the test unless the lease is over and Find still returns these users of it.
func (f *farm) wantCarriers(id domain.LeaseID, want ...*domain.User) {
	f.Helper()
	users, _, err := f.store.Find(f.Context(), ports.ByLease(id.Digest()))
	f.must(err)
	f.wantIDs("lease", ids(users), ids(want))
	_, err = f.read(id)
	f.wantErr("reading the lease", err, domain.ErrLeaseExpired)
}

// wantLeaseErr fails the test unless every operation on the lease returns want and does not call decide.
func (f *farm) wantLeaseErr(id domain.LeaseID, want error) {
	f.Helper()
	_, _, err := f.store.Find(f.Context(), ports.ByLease(id.Digest()))
	f.wantErr("Find", err, want)
	_, err = f.store.Update(f.Context(), ports.ByLease(id.Digest()), f.undecided)
	f.wantErr("Update", err, want)
}
