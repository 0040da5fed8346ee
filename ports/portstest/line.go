package portstest

import (
	"errors"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

var lineTests = []storeTest{
	{"serves a claim when its user is released", lineRelease},
	{"serves a claim when the lock on its user is forced", lineForce},
	{"serves a claim when the lease on its user expires", lineExpiry},
	{"serves a claim when a user is added", lineAdd},
	{"serves a claim when its user is restored", lineRestore},
	{"serves a claim when a user changes to what it wants", lineChange},
	{"serves a claim of several users when the last of them is free", lineBatch},
	{"waits for a user that is named", lineNamed},
	{"does not wait for users that do not exist", lineUnservable},
	{"gives no new claim a user that a waiter needs", lineNewcomer},
	{"gives a released user to the waiter, not to a new claim", lineFaster},
	{"serves waiters in the order of their arrival", lineOrder},
	{"serves a claim of several users before later claims", lineStarved},
	{"serves a waiter at once if those ahead need none of its users", linePast},
	{"takes no user that a later waiter needs, if another one serves", lineSpares},
	{"refuses a claim at its deadline, and grants nothing afterwards", lineDeadline},
	{"refuses a claim of a named user at its deadline", lineNamedDeadline},
	{"removes waiters whose callers have left", lineCancelled},
	{"gives a user to the next waiter if the first one's decide refuses it", lineTurnedDown},
	{"starts a lease at the moment of its grant", lineLease},
	{"serves every waiter in the end", lineStorm},
}

var errTurnedDown = errors.New("decide refuses")

func lineRelease(f *farm) {
	u := f.add()
	held := f.acquire(anyone)
	w := f.stand(anyone)
	f.must(f.release(held.ID))
	f.wantUsers(w.served(), u)
	f.wantStatus(u.ID(), domain.Locked)
	f.wantFence(u.ID(), 2)
}

func lineForce(f *farm) {
	u := f.add()
	f.must(f.lockOpen(u.ID(), 0))
	w := f.stand(anyone)
	f.must(f.forceRelease(u.ID()))
	f.wantUsers(w.served(), u)
}

func lineExpiry(f *farm) {
	u := f.add()
	f.acquireFor(10*time.Second, anyone)
	w := f.stand(anyone)
	f.advance(time.Second)
	f.wantWaiting(w)
	f.advance(9 * time.Second)
	f.wantUsers(w.served(), u)
	f.wantFence(u.ID(), 2)
}

func lineAdd(f *farm) {
	f.add(withRole("admin"))
	f.acquire(anyone)
	w := f.stand(role("admin"))
	f.add(withRole("plain"))
	f.wantWaiting(w)
	u := f.add(withRole("admin"))
	f.wantUsers(w.served(), u)
}

func lineRestore(f *farm) {
	u, v := f.add(withRole("admin")), f.add()
	for _, want := range []domain.Selector{role("admin"), named(v)} {
		f.must(f.quarantine(u.ID(), "broken"))
		f.must(f.quarantine(v.ID(), "broken"))
		w := f.stand(want)
		f.must(f.update(u.ID(), restored))
		f.must(f.update(v.ID(), restored))
		f.must(f.release(w.served().ID))
	}
}

func lineChange(f *farm) {
	f.add(withRole("admin"))
	f.acquire(anyone)
	u := f.add(withRole("plain"))
	w := f.stand(role("admin"))
	f.must(f.update(u.ID(), func(now time.Time, u *domain.User) error {
		return u.Change(now, domain.Change{Labels: &domain.Labels{"role": "admin"}})
	}))
	f.wantUsers(w.served(), u)
}

func lineBatch(f *farm) {
	f.addMany(3)
	first, second, third := f.acquire(anyone), f.acquire(anyone), f.acquire(anyone)
	w := f.stand(times(3, anyone)...)
	for _, held := range []domain.Lease{first, third} {
		f.must(f.release(held.ID))
		f.wantWaiting(w)
	}
	f.must(f.release(second.ID))
	f.wantDistinct([]domain.Lease{w.served()})
	f.wantIDs("free users", f.list(ports.Query{Status: domain.Free}), nil)
}

func lineNamed(f *farm) {
	u, other := f.add(), f.add()
	held := f.acquire(named(u))
	w := f.stand(anyone, named(u))
	f.wantWaiting(w)
	f.must(f.release(held.ID))
	f.wantUsers(w.served(), other, u)
}

func lineUnservable(f *farm) {
	u := f.add()
	f.acquire(anyone)
	for _, test := range []struct {
		want   []domain.Selector
		reason error
	}{
		{[]domain.Selector{named(f.build())}, domain.ErrUserNotFound},
		{[]domain.Selector{role("no user has it")}, domain.ErrNoMatch},
		{[]domain.Selector{anyone, anyone}, domain.ErrNoMatch},
	} {
		_, err := f.start(ports.Claim{Want: test.want, Wait: domain.MaxWait}).end()
		f.wantErr("a claim that nothing can serve", err, test.reason)
	}
	f.shrinks(1)
	f.wantCounts(domain.PoolCount{Pool: u.Snapshot().Pool, Total: 1, Locked: 1})
}

func lineNewcomer(f *farm) {
	free, busy, other := f.add(withRole("admin")), f.add(withRole("admin")), f.add(withRole("plain"))
	held := f.acquire(named(busy))
	w := f.stand(role("admin"), role("admin"))
	f.wantUnmatched(domain.ErrPoolExhausted, []int{0}, role("admin"))
	f.wantUsers(f.acquire(role("plain")), other)
	f.wantUnmatched(domain.ErrPoolExhausted, []int{0}, anyone)
	f.wantStatus(free.ID(), domain.Free)
	f.must(f.release(held.ID))
	w.served()
	f.wantFence(free.ID(), 1)
	f.wantFence(busy.ID(), 2)
}

func lineFaster(f *farm) {
	f.add()
	lease := f.acquire(anyone)
	for range 10 {
		w := f.stand(anyone)
		f.must(f.release(lease.ID))
		f.wantUnmatched(domain.ErrPoolExhausted, []int{0}, anyone)
		lease = w.served()
	}
}

func lineOrder(f *farm) {
	u := f.add()
	lease := f.acquire(anyone)
	line := make([]*waiter, 10)
	for i := range line {
		line[i] = f.stand(anyone)
	}
	for i, w := range line {
		f.must(f.release(lease.ID))
		lease = w.served()
		f.wantWaiting(line[i+1:]...)
		f.wantFence(u.ID(), uint64(i+2)) //nolint:gosec // an index
	}
}

func lineStarved(f *farm) {
	f.addMany(3)
	held := []domain.Lease{f.acquire(anyone), f.acquire(anyone), f.acquire(anyone)}
	batch := f.stand(times(3, anyone)...)
	singles := []*waiter{f.stand(anyone)}
	for _, lease := range held[:2] {
		f.must(f.release(lease.ID))
		singles = append(singles, f.stand(anyone))
		f.wantWaiting(append(singles, batch)...)
	}
	f.must(f.release(held[2].ID))
	lease := batch.served()
	f.wantWaiting(singles...)
	f.must(f.release(lease.ID))
	leases := make([]domain.Lease, len(singles))
	for i, w := range singles {
		leases[i] = w.served()
	}
	f.wantDistinct(leases)
}

func linePast(f *farm) {
	f.add(withRole("admin"))
	plain := f.add(withRole("plain"))
	f.acquire(role("admin"))
	held := f.acquire(role("plain"))
	first := f.stand(role("admin"))
	second := f.stand(role("plain"))
	f.must(f.release(held.ID))
	f.wantUsers(second.served(), plain)
	f.wantWaiting(first)
}

func lineSpares(f *farm) {
	f.addMany(3, withRole("admin"))
	plain := f.add(withRole("plain"))
	held := f.acquire(times(4, anyone)...)
	modest := f.stand(anyone)
	picky := f.stand(times(3, role("admin"))...)
	f.must(f.release(held.ID))
	f.wantUsers(modest.served(), plain)
	picky.served()
}

func lineDeadline(f *farm) {
	u := f.add()
	held := f.acquireFor(time.Hour, anyone)
	w := f.standFor(ports.Claim{Want: []domain.Selector{anyone}, Wait: 10 * time.Second})
	f.advance(10 * time.Second)
	_, err := w.end()
	f.wantErr("a claim after its deadline", err, domain.ErrPoolExhausted)
	f.shrinks(1)
	f.wantCounts(domain.PoolCount{Pool: u.Snapshot().Pool, Total: 1, Locked: 1})

	f.must(f.release(held.ID))
	f.wantStatus(u.ID(), domain.Free)
	f.wantFence(u.ID(), 1)
	f.wantUsers(f.acquire(anyone), u)
}

func lineNamedDeadline(f *farm) {
	u, free := f.add(), f.add()
	held := f.acquireFor(time.Hour, named(u))
	w := f.standFor(ports.Claim{Want: []domain.Selector{named(free), named(u)}, Wait: 10 * time.Second})
	f.advance(10 * time.Second)
	_, err := w.end()
	f.wantErr("a claim after its deadline", err, domain.ErrUserLocked)

	f.must(f.release(held.ID))
	f.wantStatus(u.ID(), domain.Free)
	f.wantFence(u.ID(), 1)
	f.wantFence(free.ID(), 0)
	f.acquire(named(free), named(u))
}

func lineCancelled(f *farm) {
	u := f.add()
	held := f.acquire(anyone)
	first := f.stand(anyone)
	second := f.stand(anyone)
	first.leaveNow()
	f.must(f.release(held.ID))
	lease := second.served()
	f.wantFence(u.ID(), 2)

	f.stand(anyone).leaveNow()
	f.must(f.release(lease.ID))
	f.wantStatus(u.ID(), domain.Free)
	f.wantFence(u.ID(), 2)
	f.wantCounts(domain.PoolCount{Pool: u.Snapshot().Pool, Total: 1, Free: 1})
}

func lineTurnedDown(f *farm) {
	u := f.add()
	held := f.acquire(anyone)
	first := f.standFor(ports.Claim{
		Want: []domain.Selector{anyone}, Wait: domain.MaxWait,
		Decide: func(now time.Time, users []*domain.User) error {
			if err := users[0].LockOpen(now, 0); err != nil {
				return err
			}
			return errTurnedDown
		},
	})
	second := f.stand(anyone)
	f.must(f.release(held.ID))
	_, err := first.end()
	f.wantErr("a claim whose decide refuses", err, errTurnedDown)
	f.wantUsers(second.served(), u)
	f.wantFence(u.ID(), 2)
}

func lineLease(f *farm) {
	users := f.addMany(2)
	held := f.acquire(anyone, anyone)
	w := f.stand(named(users[1]), named(users[0]))
	f.advanceInLine(10 * time.Second)
	released := f.now()
	f.must(f.release(held.ID))
	lease := w.served()
	f.wantUsers(lease, users[1], users[0])
	if lease.AcquiredAt.Before(released) || lease.AcquiredAt.After(f.now()) {
		f.Fatalf("a claim was served at %v, and its user was released at %v", lease.AcquiredAt, released)
	}
	if got := lease.ExpiresAt.Sub(lease.AcquiredAt); got != time.Hour {
		f.Fatalf("the lease runs for %v, want an hour from when it was served", got)
	}
	for _, u := range lease.Users {
		if u.Fence != 2 {
			f.Fatalf("fence is %d, want 2", u.Fence)
		}
	}
	read, err := f.read(lease.ID)
	f.must(err)
	f.wantLease(read, lease)
	f.must(f.release(lease.ID))
}

func lineStorm(f *farm) {
	const workers, rounds = 8, 5
	f.addMany(2, withRole("admin"))
	f.addMany(2, withRole("plain"))
	wants := [][]domain.Selector{{anyone}, {role("admin")}, {role("plain"), anyone}, {anyone, role("admin"), anyone}}
	held := newHolds()
	f.wantOutcomes(together(workers, func(worker int) error {
		for round := range rounds {
			lease, err := f.carryOut(f.Context(), ports.Claim{Want: wants[(worker+round)%len(wants)], Wait: domain.MaxWait})
			if err != nil {
				return err
			}
			if err := held.begin(lease); err != nil {
				return err
			}
			held.end(lease)
			if err := f.release(lease.ID); err != nil {
				return err
			}
		}
		return nil
	}), workers, nil)
	for _, u := range f.everyone() {
		f.wantStatus(u.ID(), domain.Free)
		f.wantFence(u.ID(), uint64(len(held.fences[u.ID()])))
	}
	f.shrinks(1)
}
