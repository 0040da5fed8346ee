package portstest

import (
	"time"

	"github.com/userfarm/userfarm/domain"
)

var lineCountTests = []storeTest{
	{"counts a claim in every pool that could serve it", countWaiting},
	{"returns how long the first in line has waited", countLongest},
}

func countWaiting(f *farm) {
	shop := domain.Pool{ProjectID: projectA, Env: "staging", Domain: "shop"}
	mail := domain.Pool{ProjectID: projectA, Env: "staging", Domain: "mail"}
	far := domain.Pool{ProjectID: projectB, Env: "production", Domain: "shop"}
	f.addMany(2, in(shop), withRole("admin"))
	post := f.add(in(mail))
	f.add(in(far))
	f.acquireFor(time.Hour, times(4, anyone)...)

	inShop := domain.Selector{Domain: "shop"}
	for _, step := range []struct {
		want             []domain.Selector
		mail, shop, away int // claims that wait then
	}{
		{[]domain.Selector{{ProjectID: projectA, Env: "staging", Domain: "shop"}}, 0, 1, 0},
		{[]domain.Selector{role("admin"), role("admin")}, 1, 2, 1}, // labels make no difference
		{[]domain.Selector{named(post)}, 2, 2, 1},
		{[]domain.Selector{anyone}, 3, 3, 2},
		{[]domain.Selector{inShop, inShop, named(post)}, 4, 4, 3},
		{[]domain.Selector{{Env: "production"}}, 4, 4, 4},
	} {
		f.stand(step.want...)
		f.wantLine(map[domain.Pool]int{mail: step.mail, shop: step.shop, far: step.away})
	}
}

func countLongest(f *farm) {
	u := f.add(withRole("admin"))
	pool := u.Snapshot().Pool
	held := f.acquireFor(time.Hour, anyone)
	if got := f.longest(pool); got != 0 {
		f.Fatalf("no claim waits, but the longest wait is %v", got)
	}
	first := f.stand(anyone)
	f.advanceInLine(20 * time.Second)
	f.stand(named(u)).leaveNow()
	second := f.stand(role("admin"))
	if got := f.longest(pool); got < 20*time.Second || got > 25*time.Second {
		f.Fatalf("the longest wait is %v, want 20s", got)
	}
	f.must(f.release(held.ID))
	lease := first.served()
	if got := f.longest(pool); got > 5*time.Second {
		f.Fatalf("the longest wait is %v, but the waiter has arrived since", got)
	}
	f.advanceInLine(10 * time.Second)
	// After such a jump of the clock, waiters look dead until the store reports again that its process is alive.
	for late := time.Now().Add(answerTimeout); f.longest(pool) == 0 && time.Now().Before(late); {
		time.Sleep(5 * time.Millisecond)
	}
	if got := f.longest(pool); got < 10*time.Second || got > 15*time.Second {
		f.Fatalf("the longest wait is %v, want 10s", got)
	}
	f.must(f.release(lease.ID))
	second.served()
	if got := f.longest(pool); got != 0 {
		f.Fatalf("no claim waits anymore, but the longest wait is %v", got)
	}
}

// wantLine fails the test unless this many claims wait for users of the pools.
func (f *farm) wantLine(want map[domain.Pool]int) {
	f.Helper()
	counts, err := f.store.CountPools(f.Context(), domain.Scope{})
	f.must(err)
	for _, count := range counts {
		if count.Waiting != want[count.Pool] {
			f.Fatalf("%d claims wait for %+v, want %d", count.Waiting, count.Pool, want[count.Pool])
		}
	}
}

func (f *farm) longest(pool domain.Pool) time.Duration {
	f.Helper()
	counts, err := f.store.CountPools(f.Context(), domain.Scope{})
	f.must(err)
	for _, count := range counts {
		if count.Pool == pool {
			return count.LongestWait
		}
	}
	f.Fatalf("pool %+v is not counted", pool)
	return 0
}
