package portstest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// BenchmarkStore measures the most frequent operations of a store. newStore returns an empty one. A pair is an acquire and
// the release of its lease.
func BenchmarkStore(b *testing.B, newStore func(testing.TB) ports.Store) {
	const many = 64
	pool := domain.Selector{ProjectID: projectA, Env: "staging", Domain: "shop"}
	admin := pool
	admin.Labels = domain.Labels{"role": "admin"}
	for _, bench := range []struct {
		name    string
		held    int // how many of the users are held
		want    domain.Selector
		clients int
	}{
		{"pair/clients=1", 0, pool, 1},
		{"pair/clients=64", 0, pool, many},
		{"locked=90%/clients=64", benchUsers * 9 / 10, pool, many},
		{"label/clients=64", 0, admin, many},
	} {
		farm := newBenchFarm(b, newStore(b), bench.held)
		b.Run(bench.name, func(b *testing.B) { farm.benchmarkPairs(b, always(bench.want), bench.clients) })
	}
	benchmarkMany(b, newStore)
	benchmarkLine(b, newStore)
	exhausted := newBenchFarm(b, newStore(b), benchUsers)
	b.Run("exhausted", func(b *testing.B) { exhausted.benchmarkRefusal(b, pool) })
	farm := newBenchFarm(b, newStore(b), 0)
	b.Run("list=1000", farm.benchmarkList)
	b.Run("add", farm.benchmarkAdd)
}

// benchUsers is how many users a measured store has. Every tenth is an admin.
const benchUsers = 1000

// benchFarm is a store that a benchmark measures.
type benchFarm struct {
	store ports.Store
	users int // how many were built
}

// newBenchFarm fills a store, and acquires some of the users for an hour.
func newBenchFarm(b *testing.B, store ports.Store, held int) *benchFarm {
	b.Helper()
	f := &benchFarm{store: store}
	users := make([]*domain.User, benchUsers)
	for i := range users {
		users[i] = f.build(b)
	}
	if err := store.Add(b.Context(), domain.Once{}, users...); err != nil {
		b.Fatal(err)
	}
	for n := 0; held > 0; held -= n {
		n = min(held, domain.MaxLeaseUsers)
		if _, err := f.acquire(b.Context(), times(n, anyone)...); err != nil {
			b.Fatal(err)
		}
	}
	return f
}

func (f *benchFarm) build(b *testing.B) *domain.User {
	f.users++
	role := "plain"
	if f.users%10 == 0 {
		role = "admin"
	}
	now := time.Now().UTC().Truncate(time.Microsecond)
	u, err := domain.NewUser(domain.NewUserID(now), now, domain.Spec{
		Login:    fmt.Sprintf("user-%d@example.com", f.users),
		Password: domain.NewSecret(passwordOf + strconv.Itoa(f.users)),
		Pool:     domain.Pool{ProjectID: projectA, Env: "staging", Domain: "shop"},
		Labels:   domain.Labels{"role": role},
	})
	if err != nil {
		b.Fatal(err)
	}
	return u
}

func (f *benchFarm) acquire(ctx context.Context, want ...domain.Selector) (domain.LeaseID, error) {
	return f.acquireWithin(ctx, 0, want...)
}

func (f *benchFarm) acquireWithin(ctx context.Context, wait time.Duration, want ...domain.Selector) (domain.LeaseID, error) {
	id := domain.NewLeaseID()
	_, err := f.store.Claim(ctx, ports.Claim{Want: want, Wait: wait, Decide: func(now time.Time, users []*domain.User) error {
		_, err := domain.Grant(now, id, domain.Terms{Owner: "ci-4711/worker-3", TTL: time.Hour}, users)
		return err
	}})
	return id, err
}

func (f *benchFarm) release(ctx context.Context, id domain.LeaseID) error {
	_, err := f.store.Update(ctx, ports.ByLease(id.Digest()), func(now time.Time, users []*domain.User) error {
		return domain.Release(now, id, users)
	})
	return err
}

// always returns the want of clients that all want the same.
func always(want domain.Selector) func() domain.Selector {
	return func() domain.Selector { return want }
}

// benchmarkPairs makes b.N pairs with this many clients. Each client makes one pair after the other. The time of an operation
// is the time from the end of a pair to the end of the next pair of any client.
func (f *benchFarm) benchmarkPairs(b *testing.B, want func() domain.Selector, clients int) {
	b.ReportAllocs()
	var begun atomic.Int64
	var working sync.WaitGroup
	for range clients {
		working.Go(func() {
			for begun.Add(1) <= int64(b.N) {
				lease, err := f.acquire(b.Context(), want())
				if err == nil {
					err = f.release(b.Context(), lease)
				}
				if err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	working.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "pairs/s")
}

func (f *benchFarm) benchmarkRefusal(b *testing.B, want domain.Selector) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.acquire(b.Context(), want); !errors.Is(err, domain.ErrPoolExhausted) {
			b.Fatalf("acquire: %v, want %v", err, domain.ErrPoolExhausted)
		}
	}
}

func (f *benchFarm) benchmarkList(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		page, err := f.store.List(b.Context(), ports.Query{Limit: benchUsers})
		if err != nil || len(page.Users) != benchUsers {
			b.Fatalf("list: %d users, %v", len(page.Users), err)
		}
	}
}

func (f *benchFarm) benchmarkAdd(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if err := f.store.Add(b.Context(), domain.Once{}, f.build(b)); err != nil {
			b.Fatal(err)
		}
	}
}
