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
	{"refuses a waiter at once when the last user of its scope is removed", hopelessInScope},
	{"refuses a waiter of a user that is removed, though another one gets its login", hopelessRecreated},
	{"refuses all of many waiters at once", hopelessCrowd},
	{"refuses a claim that arrives while its user is removed", hopelessArriving},
	{"lets a waiter wait while another user matches", hopelessNot},
	{"lets a waiter wait for a user that is relabelled before the last one goes", hopelessReplaced},
	{"refuses with the reason at the deadline, not with that of the beginning", refusedByPresentState},
	{"refuses because of a quarantine that follows from an expiry", refusedByExpiry},
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
	f.must(f.update(u.ID(), func(now time.Time, u *domain.User) error {
		return u.Change(now, domain.Change{Labels: &domain.Labels{"role": "plain"}})
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

func hopelessInScope(f *farm) {
	u, other := f.add(), f.add(inProject(projectB))
	f.acquire(anyone, anyone)
	limited, all := f.stand(within(domain.Only(projectA, projectC), anyone)...), f.stand(anyone)
	f.must(f.forceRelease(other.ID())) // for the waiter of all projects
	f.must(f.release(all.served().ID))
	f.must(f.remove(other.ID()))
	f.wantWaiting(limited)
	f.must(f.lockOpen(f.add(inProject(projectB)).ID(), 0))
	f.must(f.quarantine(u.ID(), "broken"))
	f.must(f.forceRelease(u.ID()))
	f.must(f.remove(u.ID()))
	_, err := limited.end()
	f.wantErr("a claim that no user in its scope matches anymore", err, domain.ErrNoMatch)
}

func hopelessRecreated(f *farm) {
	u, other := f.add(withLogin("ann")), f.add()
	f.must(f.quarantine(u.ID(), "broken"))
	f.acquire(named(other))
	byName, byField := f.stand(named(u)), f.stand(domain.Selector{Env: "staging"}, anyone)
	f.must(f.remove(u.ID()))
	_, err := byName.end()
	f.wantErr("a claim of the removed user", err, domain.ErrUserNotFound)
	_, err = byField.end()
	f.wantErr("a claim of more users than there are", err, domain.ErrNoMatch)
	again := f.add(withLogin("ann"))
	f.wantUsers(f.acquire(named(again)), again)
}

// hopelessCrowd has more waiters that want the same than one pass over the line of a store may look at.
func hopelessCrowd(f *farm) {
	u := f.add(withRole("admin"))
	f.must(f.quarantine(u.ID(), "broken"))
	var crowd []*waiter
	for range 40 {
		crowd = append(crowd, f.start(ports.Claim{Want: []domain.Selector{role("admin")}, Wait: domain.MaxWait}))
	}
	for late := time.After(answerTimeout); f.waiting() < len(crowd); time.Sleep(5 * time.Millisecond) {
		select {
		case <-late:
			f.Fatal("not all claims are in line")
		default:
		}
	}
	f.must(f.remove(u.ID()))
	for _, w := range crowd {
		_, err := w.end()
		f.wantErr("a claim of a crowd", err, domain.ErrNoMatch)
	}
}

func hopelessArriving(f *farm) {
	for range 20 {
		u := f.add()
		f.must(f.quarantine(u.ID(), "broken"))
		var claims []*waiter
		for range 4 {
			claims = append(claims, f.start(ports.Claim{Want: []domain.Selector{named(u)}, Wait: domain.MaxWait}))
		}
		f.must(f.remove(u.ID()))
		for _, w := range claims {
			_, err := w.end()
			f.wantErr("a claim that came with the removal", err, domain.ErrUserNotFound)
		}
	}
}

func hopelessReplaced(f *farm) {
	u, other := f.add(withRole("admin")), f.add(withRole("plain"))
	relabel := func(u *domain.User, role string) {
		f.must(f.update(u.ID(), func(now time.Time, u *domain.User) error {
			return u.Change(now, domain.Change{Labels: &domain.Labels{"role": role}})
		}))
	}
	held := f.acquire(anyone, anyone)
	w := f.stand(role("admin"))
	for range 3 {
		relabel(other, "admin")
		relabel(u, "plain")
		f.wantWaiting(w)
		relabel(u, "admin")
		relabel(other, "plain")
	}
	f.wantWaiting(w)
	f.must(f.release(held.ID))
	f.wantUsers(w.served(), u)
}

func refusedByExpiry(f *farm) {
	u := f.add()
	policy := domain.LeasePolicy{QuarantineOnExpiry: true}
	terms, err := policy.Apply([]domain.Selector{named(u)}, domain.Terms{TTL: 5 * time.Second})
	f.must(err)
	_, err = f.tryAcquireOn(terms, named(u))
	f.must(err)
	w := f.standFor(ports.Claim{Want: []domain.Selector{named(u)}, Wait: 10 * time.Second})
	f.advance(10 * time.Second) // nobody has swept the lock
	_, err = w.end()
	f.wantErr("a claim whose time is up", err, domain.ErrUserQuarantined)
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
