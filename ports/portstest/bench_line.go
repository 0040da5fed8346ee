package portstest

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// benchmarkLine measures what a long line costs, in which each waiter wants something else: pairs in a pool that none
// of them wants, and a hand-over to the waiter that is next.
func benchmarkLine(b *testing.B, newStore func(testing.TB) ports.Store) {
	const clients = 64
	pool := domain.Selector{ProjectID: projectA, Env: "staging", Domain: "shop"}
	for _, waiters := range []int{500, 6000} {
		b.Run(fmt.Sprintf("different-waiters-elsewhere=%d", waiters), func(b *testing.B) {
			farm := newBenchFarm(b, newStore(b), 0)
			_, leave := farm.standInLine(b, waiters)
			defer leave()
			b.Run("clients=64", func(b *testing.B) { farm.benchmarkPairs(b, always(pool), clients) })
		})
	}
	for _, waiters := range []int{1, 1000} {
		b.Run(fmt.Sprintf("hand-over/different-waiters=%d", waiters), func(b *testing.B) {
			farm := newBenchFarm(b, newStore(b), 0)
			seats, leave := farm.standInLine(b, waiters)
			defer leave()
			farm.benchmarkHandOver(b, seats)
		})
	}
}

// seat is a user that is held, and that one waiter waits for. Who gets it stands in line for it again.
type seat struct {
	lease  domain.LeaseID
	served chan domain.LeaseID
}

// standInLine adds users of another pool that are held, and a waiter for each. It returns when all wait. They leave the line before
// leave returns.
func (f *benchFarm) standInLine(b *testing.B, n int) (seats []seat, leave func()) {
	b.Helper()
	at := func(i int) (domain.Pool, domain.Labels) {
		return domain.Pool{ProjectID: projectA, Env: "staging", Domain: "line"}, domain.Labels{"seat": strconv.Itoa(i)}
	}
	f.addMany(b, n, at)
	ctx, cancel := context.WithCancel(b.Context())
	var waiting sync.WaitGroup
	for i := range n {
		pool, labels := at(i)
		want := domain.Selector{ProjectID: pool.ProjectID, Env: pool.Env, Domain: pool.Domain, Labels: labels}
		held, err := f.acquire(ctx, want)
		if err != nil {
			b.Fatal(err)
		}
		s := seat{lease: held, served: make(chan domain.LeaseID, 1)}
		seats = append(seats, s)
		waiting.Go(func() {
			for ctx.Err() == nil {
				lease, err := f.acquireWithin(ctx, time.Hour, want)
				if err == nil {
					s.served <- lease
				} else if ctx.Err() == nil {
					b.Errorf("a waiter was refused: %v", err)
					return
				}
			}
		})
	}
	for total := 0; total < n; time.Sleep(10 * time.Millisecond) {
		var err error
		if _, total, err = f.store.Line(ctx, domain.Scope{}, 1); err != nil {
			b.Fatal(err)
		}
	}
	return seats, func() {
		cancel()
		waiting.Wait()
	}
}

// benchmarkHandOver releases one seat after the other, and measures how long it takes until the waiter has it.
func (f *benchFarm) benchmarkHandOver(b *testing.B, seats []seat) {
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		s := &seats[i%len(seats)]
		if err := f.release(b.Context(), s.lease); err != nil {
			b.Fatal(err)
		}
		s.lease = <-s.served
		i++
	}
}
