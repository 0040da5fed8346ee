package portstest

import (
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

var lineHopelessTests = []storeTest{
	{"refuses a waiter at once when the user that it names is removed", hopelessNamed},
	{"refuses a waiter at once when the last user that matches is removed", hopelessRemoved},
	{"refuses a waiter at once when the last user that matches gets other labels", hopelessRelabelled},
	{"refuses a waiter of several users at once when too few are left", hopelessBatch},
	{"lets a waiter wait while another user matches", hopelessNot},
	{"refuses with the reason at the deadline, not with that of the beginning", refusedByPresentState},
	{"grants a waiter its users although others were removed", hopelessServed},
}

func hopelessNamed(f *farm) {
	u, other := f.add(), f.add()
	f.acquire(named(u), named(other))
	w := f.stand(named(u), named(other))
	f.must(f.forceRelease(u.ID()))
	f.must(f.remove(u.ID()))
	_, err := w.end()
	f.wantErr("a claim of a removed user", err, domain.ErrUserNotFound)
	f.shrinks(1)
}

func hopelessRemoved(f *farm) {
	u := f.add(withRole("admin"))
	f.add(withRole("plain"))
	f.acquire(anyone, anyone)
	w, other := f.stand(role("admin")), f.stand(role("plain"))
	f.must(f.update(u.ID(), func(now time.Time, u *domain.User) error { return u.Quarantine(now, "broken") }))
	f.must(f.forceRelease(u.ID()))
	f.wantWaiting(w)
	f.must(f.remove(u.ID()))
	_, err := w.end()
	f.wantErr("a claim that no user matches anymore", err, domain.ErrNoMatch)
	f.wantWaiting(other)
}

func hopelessRelabelled(f *farm) {
	u := f.add(withRole("admin"))
	f.acquire(anyone)
	w := f.stand(role("admin"))
	f.must(f.update(u.ID(), func(_ time.Time, u *domain.User) error {
		return u.Change(domain.Change{Labels: &domain.Labels{"role": "plain"}})
	}))
	_, err := w.end()
	f.wantErr("a claim that no user matches anymore", err, domain.ErrNoMatch)
}

func hopelessBatch(f *farm) {
	users := f.addMany(2)
	f.acquire(anyone, anyone)
	w := f.stand(anyone, anyone)
	f.must(f.quarantine(users[1].ID(), "broken"))
	f.must(f.forceRelease(users[1].ID()))
	f.must(f.remove(users[1].ID()))
	_, err := w.end()
	f.wantErr("a claim of more users than there are", err, domain.ErrNoMatch)
}

func hopelessNot(f *farm) {
	u, other := f.add(withRole("admin")), f.add(withRole("admin"))
	held := f.acquire(named(other))
	f.must(f.quarantine(u.ID(), "broken"))
	w := f.stand(role("admin"))
	f.must(f.remove(u.ID()))
	f.wantWaiting(w)
	f.must(f.release(held.ID))
	f.wantUsers(w.served(), other)
}

func refusedByPresentState(f *farm) {
	u := f.add()
	f.must(f.lockOpen(u.ID(), 0))
	w := f.standFor(ports.Claim{Want: []domain.Selector{named(u)}, Wait: 10 * time.Second})
	f.must(f.quarantine(u.ID(), "broken"))
	f.must(f.releaseOpen(u.ID()))
	f.advance(10 * time.Second)
	_, err := w.end()
	f.wantErr("a claim whose time is up", err, domain.ErrUserQuarantined)
}

func hopelessServed(f *farm) {
	u, other := f.add(), f.add()
	held := f.acquire(anyone, anyone)
	w := f.stand(anyone)
	f.must(f.release(held.ID))
	lease := w.served()
	rest := other
	if lease.Users[0].ID == other.ID() {
		rest = u
	}
	f.must(f.remove(rest.ID()))
	if _, err := f.read(lease.ID); err != nil {
		f.Fatalf("the lease of a served claim: %v", err)
	}
}
