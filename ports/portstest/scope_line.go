package portstest

import (
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

var scopeLineTests = []storeTest{
	{"serves a waiter only with users in its scope", scopeLineRelease},
	{"serves a waiter with a user that is added to its scope", scopeLineAdd},
	{"waits for a named user in scope", scopeLineNamed},
	{"does not wait for users out of scope", scopeLineUnservable},
	{"does not delay a claim because of waiters with another scope", scopeLinePast},
	{"gives no new claim a user that a waiter with a larger or smaller scope needs", scopeLineNeeded},
	{"takes no user that a waiter with a smaller scope needs, if another one serves", scopeLineSpares},
	{"counts a claim in the pools of its scope", scopeLineCount},
}

func scopeLineRelease(f *farm) {
	u, v := f.add(), f.add(inProject(projectB))
	held, other := f.acquire(named(u)), f.acquire(named(v))
	w := f.stand(within(domain.Only(projectC, projectA), anyone)...)
	f.must(f.release(other.ID))
	f.wantWaiting(w)
	f.wantStatus(v.ID(), domain.Free)
	f.must(f.release(held.ID))
	f.wantUsers(w.served(), u)
	f.wantStatus(v.ID(), domain.Free)
	f.wantFence(v.ID(), 1)
}

func scopeLineAdd(f *farm) {
	f.add()
	f.acquire(anyone)
	w := f.stand(within(domain.Only(projectC, projectA), anyone)...)
	f.add(inProject(projectB))
	f.wantWaiting(w)
	u := f.add(inProject(projectC))
	f.wantUsers(w.served(), u)
}

func scopeLineNamed(f *farm) {
	u := f.add()
	held := f.acquire(anyone)
	w := f.stand(within(domain.Only(projectA), named(u))...)
	f.must(f.release(held.ID))
	f.wantUsers(w.served(), u)
}

func scopeLineUnservable(f *farm) {
	u, far := f.add(), f.add(inProject(projectB))
	f.acquire(anyone, anyone)
	for _, test := range []struct {
		want   []domain.Selector
		reason error
	}{
		{within(domain.Only(projectA), named(far)), domain.ErrUserNotFound},
		{within(domain.Only(projectA), anyone, anyone), domain.ErrNoMatch},
		{within(domain.Only(projectC), anyone), domain.ErrNoMatch},
		{within(domain.Only(), anyone), domain.ErrNoMatch},
		{within(domain.Only(projectA), domain.Selector{ProjectID: projectB}), domain.ErrNoMatch},
	} {
		_, err := f.start(ports.Claim{Want: test.want, Wait: domain.MaxWait}).end()
		f.wantErr("a claim that nothing can serve", err, test.reason)
	}
	f.shrinks(1)
	f.wantCounts(
		domain.PoolCount{Pool: u.Snapshot().Pool, Total: 1, Locked: 1},
		domain.PoolCount{Pool: far.Snapshot().Pool, Total: 1, Locked: 1},
	)
}

func scopeLinePast(f *farm) {
	u := f.add()
	free, busy := f.add(inProject(projectB)), f.add(inProject(projectB))
	f.acquireFor(time.Hour, named(u))
	held := f.acquireFor(time.Hour, named(busy))
	first := f.stand(within(domain.Only(projectA), anyone)...)

	f.wantUsers(f.acquire(within(domain.Only(projectB), anyone)...), free)
	second := f.stand(within(domain.Only(projectB), anyone)...)
	f.must(f.release(held.ID))
	f.wantUsers(second.served(), busy)
	f.wantWaiting(first)
}

func scopeLineNeeded(f *farm) {
	free, busy, other := f.add(), f.add(), f.add(inProject(projectB))
	held := f.acquire(named(busy))
	w := f.stand(within(domain.Only(projectA), anyone, anyone)...)
	f.wantUnmatched(domain.ErrPoolExhausted, []int{0}, within(domain.Only(projectA, projectC), anyone)...)
	f.wantUsers(f.acquire(anyone), other)
	f.wantUnmatched(domain.ErrPoolExhausted, []int{0}, anyone)
	f.wantUnmatched(domain.ErrPoolExhausted, []int{0}, within(domain.Only(projectA, projectB), anyone)...)
	f.wantStatus(free.ID(), domain.Free)
	f.must(f.release(held.ID))
	w.served()
	f.wantFence(free.ID(), 1)
}

func scopeLineSpares(f *farm) {
	u, v := f.add(), f.add(inProject(projectB))
	held := f.acquire(anyone, anyone)
	wide := f.stand(anyone)
	narrow := f.stand(within(domain.Only(u.Snapshot().Pool.ProjectID), anyone)...)
	f.must(f.release(held.ID))
	f.wantUsers(wide.served(), v)
	f.wantUsers(narrow.served(), u)
}

func scopeLineCount(f *farm) {
	near, far := f.add(), f.add(inProject(projectB))
	here, there := near.Snapshot().Pool, far.Snapshot().Pool
	f.acquireFor(time.Hour, anyone, anyone)
	for _, step := range []struct {
		want        []domain.Selector
		here, there int // claims that wait then
	}{
		{within(domain.Only(projectA), anyone), 1, 0},
		{within(domain.Only(projectB, projectC), domain.Selector{Env: "staging"}), 1, 1},
		{within(domain.Only(projectA, projectB), anyone), 2, 2},
		{within(domain.Only(projectA), named(near)), 3, 2},
		{[]domain.Selector{anyone}, 4, 3},
	} {
		f.stand(step.want...)
		f.wantLine(map[domain.Pool]int{here: step.here, there: step.there})
	}
	for _, scope := range scopes {
		counts, err := f.store.CountPools(f.Context(), scope)
		f.must(err)
		for _, count := range counts {
			if want := map[domain.Pool]int{here: 4, there: 3}[count.Pool]; count.Waiting != want {
				f.Fatalf("in %+v, %d claims wait for %+v, want %d", scope, count.Waiting, count.Pool, want)
			}
		}
	}
}
