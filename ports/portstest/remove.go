package portstest

import (
	"errors"
	"fmt"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

var removeTests = []storeTest{
	{"removes one user and no other", removeUser},
	{"frees the login and the id", removeFrees},
	{"does not call decide for an unknown user", removeUnknown},
	{"keeps a user if decide refuses, and returns its error", removeRefused},
	{"keeps a user that is held, and removes it when the lock is over", removeHeld},
}

func removeUser(f *farm) {
	u, other := f.add(withRole("admin")), f.add(withRole("admin"))
	f.must(f.remove(u.ID()))
	_, _, err := f.store.Find(f.Context(), ports.ByUser(u.ID()))
	f.wantErr("Find", err, domain.ErrUserNotFound)
	f.wantIDs("list", f.list(ports.Query{}), []domain.UserID{other.ID()})
	f.wantIDs("list by label", f.list(ports.Query{Labels: domain.Labels{"role": "admin"}}), []domain.UserID{other.ID()})
	f.wantCounts(domain.PoolCount{Pool: other.Snapshot().Pool, Total: 1, Free: 1})
	f.wantSame(f.get(other.ID()), other)
	f.wantRefused(domain.ErrUserNotFound, 0, named(u))
	_, err = f.tryAcquire(anyone, anyone)
	f.wantErr("acquiring two", err, domain.ErrNoMatch)
	f.wantUsers(f.acquire(anyone), other)
}

func removeFrees(f *farm) {
	u := f.add(withLogin("again"), withRole("admin"))
	f.must(f.remove(u.ID()))
	again := f.add(withLogin("again"))
	f.wantSame(f.get(again.ID()), again)
	f.must(f.remove(again.ID()))
	f.must(f.store.Add(f.Context(), domain.Once{}, u))
	f.wantSame(f.get(u.ID()), u)
}

func removeUnknown(f *farm) {
	u := f.add()
	for _, id := range []domain.UserID{{}, f.build().ID()} {
		f.wantErr("Remove", f.store.Remove(f.Context(), id, f.undecided), domain.ErrUserNotFound)
	}
	f.must(f.remove(u.ID()))
	f.wantErr("Remove", f.store.Remove(f.Context(), u.ID(), f.undecided), domain.ErrUserNotFound)
}

func removeRefused(f *farm) {
	errNo := errors.New("no")
	f.add()
	lease := f.acquire(anyone)
	u := f.get(lease.Users[0].ID)
	err := f.store.Remove(f.Context(), u.ID(), func(now time.Time, users []*domain.User) error {
		f.must(domain.ForceRelease(now, users, ""))
		return fmt.Errorf("decide refuses: %w", errNo)
	})
	f.wantErr("Remove", err, errNo)
	f.wantSame(f.get(u.ID()), u)
	_, err = f.read(lease.ID)
	f.must(err)
}

func removeHeld(f *farm) {
	leased, open := f.add(), f.add()
	lease := f.acquire(named(leased))
	f.must(f.lockOpen(open.ID(), 0))
	f.wantErr("removing a leased user", f.remove(leased.ID()), domain.ErrUserLocked)
	f.wantErr("removing a locked user", f.remove(open.ID()), domain.ErrUserLocked)
	f.must(f.quarantine(leased.ID(), "broken"))
	f.wantErr("removing a leased user in quarantine", f.remove(leased.ID()), domain.ErrUserLocked)

	f.advance(ttl)
	f.must(f.remove(leased.ID()))
	f.wantLeaseErr(lease.ID, domain.ErrLeaseExpired)
	f.must(f.releaseOpen(open.ID()))
	f.must(f.remove(open.ID()))
	f.wantIDs("list", f.list(ports.Query{}), nil)
}
