package portstest

import (
	"errors"
	"fmt"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

var updateTests = []storeTest{
	{"writes the changes that decide makes to a user, and returns the user", updateUser},
	{"writes the changes that decide makes to the users of a lease", updateLease},
	{"changes a user whatever its status, without touching its lock", updateAnyState},
	{"ends a lease of several users for all of them", updateForceAll},
	{"changes no user but the target", updateOnlyTarget},
	{"does not call decide for an unknown target", updateUnknown},
	{"changes nothing if decide refuses, and returns its error", updateRefused},
	{"releases a lease only once", updateReleaseOnce},
}

func updateUser(f *farm) {
	u := f.add(withLabels(domain.Labels{"role": "admin", "plan": "free"}))
	f.advance(time.Second)
	password := domain.NewSecret("changed")
	labels := domain.Labels{"role": "plain"}
	users, err := f.store.Update(f.Context(), ports.ByUser(u.ID()), func(now time.Time, users []*domain.User) error {
		if err := users[0].Change(now, domain.Change{Password: &password, Labels: &labels}); err != nil {
			return err
		}
		return users[0].Quarantine(now, "reason")
	})
	f.must(err)

	s := u.Snapshot()
	s.Password, s.Labels = password, labels
	s.Quarantine = &domain.Quarantine{Reason: "reason", Since: f.now()}
	want := domain.Restore(s)
	f.wantIDs("Update", ids(users), []domain.UserID{u.ID()})
	f.wantSame(users[0], want)
	f.wantSame(f.get(u.ID()), want)
	f.wantIDs("old label", f.list(ports.Query{Labels: domain.Labels{"role": "admin"}}), nil)
	f.wantIDs("new label", f.list(ports.Query{Labels: labels}), []domain.UserID{u.ID()})

	none := domain.Labels{}
	f.must(f.update(u.ID(), func(now time.Time, u *domain.User) error {
		if err := u.Restore(now, ""); err != nil {
			return err
		}
		return u.Change(now, domain.Change{Labels: &none})
	}))
	s.Labels, s.Quarantine = none, nil
	f.wantSame(f.get(u.ID()), domain.Restore(s))
	f.wantIDs("no label", f.list(ports.Query{Labels: labels}), nil)
}

func updateLease(f *farm) {
	users := f.addMany(3)
	lease := f.acquire(named(users[2]), named(users[0]), named(users[1]))
	f.advance(time.Second)
	id := lease.ID
	written, err := f.store.Update(f.Context(), ports.ByLease(id.Digest()), func(now time.Time, users []*domain.User) error {
		return domain.Release(now, id, users, domain.Fault{UserID: users[1].ID(), Reason: "password rejected"})
	})
	f.must(err)
	f.wantIDs("Update", ids(written), ids([]*domain.User{users[2], users[0], users[1]}))
	for _, u := range written {
		f.wantSame(f.get(u.ID()), u)
	}
	s := users[0].Snapshot()
	s.Fence, s.ReleasedAt = 1, f.now()
	s.Quarantine = &domain.Quarantine{Reason: "password rejected", Since: f.now()}
	f.wantSame(f.get(users[0].ID()), domain.Restore(s))
	f.wantStatus(users[1].ID(), domain.Free)
	f.wantStatus(users[2].ID(), domain.Free)
}

func updateAnyState(f *farm) {
	u := f.add()
	lease := f.acquire(anyone)
	password := domain.NewSecret("changed")
	change := func(now time.Time, u *domain.User) error { return u.Change(now, domain.Change{Password: &password}) }
	f.must(f.update(u.ID(), change))
	lease.Users[0].Password = password
	read, err := f.read(lease.ID)
	f.must(err)
	f.wantLease(read, lease)

	f.must(f.quarantine(u.ID(), "while held"))
	f.wantStatus(u.ID(), domain.Quarantined)
	read, err = f.read(lease.ID)
	f.must(err)
	f.wantLease(read, lease)
	f.must(f.release(lease.ID))
	f.wantStatus(u.ID(), domain.Quarantined)

	f.must(f.update(u.ID(), change))
	f.must(f.update(u.ID(), restored))
	f.wantStatus(u.ID(), domain.Free)
	f.wantFence(u.ID(), 1)
}

func updateForceAll(f *farm) {
	users := f.addMany(3)
	lease := f.acquire(times(3, anyone)...)
	_, err := f.store.Update(f.Context(), ports.ByLease(lease.ID.Digest()), func(now time.Time, users []*domain.User) error {
		return domain.ForceRelease(now, users, "")
	})
	f.must(err)
	for _, u := range users {
		f.wantStatus(u.ID(), domain.Free)
	}
	f.wantOver(lease.ID)
	f.wantLeaseErr(lease.ID, domain.ErrLeaseExpired)
}

func updateOnlyTarget(f *farm) {
	held, kept, free, target := f.add(), f.add(), f.add(), f.add()
	lease := f.acquire(named(held))
	f.acquire(named(kept))
	f.must(f.lockOpen(target.ID(), 0))
	f.must(f.release(lease.ID))
	f.must(f.releaseOpen(target.ID()))
	f.wantStatus(kept.ID(), domain.Locked)
	f.wantSame(f.get(free.ID()), free)

	other := f.acquire(named(held))
	f.wantStatus(kept.ID(), domain.Locked)
	_, err := f.renew(other.ID, time.Hour)
	f.must(err)
	if expires := f.get(kept.ID()).Snapshot().Lock.ExpiresAt; !expires.Equal(f.now().Add(ttl)) {
		f.Fatalf("another lease expires at %v now", expires)
	}
}

func updateUnknown(f *farm) {
	f.add()
	for _, id := range []domain.UserID{{}, f.build().ID()} {
		_, err := f.store.Update(f.Context(), ports.ByUser(id), f.undecided)
		f.wantErr("Update", err, domain.ErrUserNotFound)
	}
	f.wantLeaseErr(domain.NewLeaseID(), domain.ErrLeaseNotFound)
}

func updateRefused(f *farm) {
	errNo := errors.New("no")
	f.addMany(2)
	lease := f.acquire(anyone, anyone)
	id, user := lease.ID, f.get(lease.Users[0].ID)
	other := f.get(lease.Users[1].ID)

	_, err := f.store.Update(f.Context(), ports.ByLease(id.Digest()), func(now time.Time, users []*domain.User) error {
		if err := domain.Release(now, id, users); err != nil {
			return err
		}
		return fmt.Errorf("decide refuses: %w", errNo)
	})
	f.wantErr("Update by lease", err, errNo)
	err = f.update(user.ID(), func(now time.Time, u *domain.User) error {
		f.must(domain.ForceRelease(now, []*domain.User{u}, ""))
		return fmt.Errorf("decide refuses: %w", errNo)
	})
	f.wantErr("Update by user", err, errNo)

	f.wantSame(f.get(user.ID()), user)
	f.wantSame(f.get(other.ID()), other)
	read, err := f.read(id)
	f.must(err)
	f.wantLease(read, lease)

	// Errors of the domain are returned unchanged, too.
	err = f.release(id, domain.Fault{UserID: f.build().ID(), Reason: "not of this lease"})
	f.wantErr("release", err, domain.ErrInvalid)
	if invalid, ok := errors.AsType[*domain.InvalidError](err); !ok || len(invalid.Fields) != 1 {
		f.Fatalf("release: got %v, want an error about one field", err)
	}
	f.wantErr("open lock", f.lockOpen(user.ID(), 0), domain.ErrUserLocked)
	f.wantErr("open release", f.releaseOpen(user.ID()), domain.ErrHeldByLease)
	f.wantSame(f.get(user.ID()), user)
}

func updateReleaseOnce(f *farm) {
	f.add()
	first := f.acquire(anyone)
	f.must(f.release(first.ID))
	f.wantOver(first.ID)

	second := f.acquire(anyone)
	f.wantOver(first.ID)
	read, err := f.read(second.ID)
	f.must(err)
	f.wantLease(read, second)
}
