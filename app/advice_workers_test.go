package app_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/userfarm/userfarm/adapters/memory"
	"github.com/userfarm/userfarm/app"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// workers are those of a test runner: each runs its tests one after the other.
type workers struct {
	count, tests int
	hold, pause  time.Duration // about; the pause is from one test to the next
}

// run lets the workers run their tests on a farm in memory, and returns the waits. It needs a bubble of synctest.
func (w workers) run(t *testing.T, users int, seed uint64) (*app.Farm, domain.Waits) {
	t.Helper()
	farm, err := app.New(memory.New(), app.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range users {
		labelled(t, farm, fmt.Sprint("user ", i), stage, nil)
	}
	ctx, stop := context.WithCancel(t.Context())
	var running, housekeeping sync.WaitGroup
	housekeeping.Go(func() { farm.RunHousekeeping(ctx, slog.New(slog.DiscardHandler)) })
	waited := make([][]time.Duration, w.count)
	for worker := range w.count {
		running.Go(func() {
			random := rand.New(rand.NewPCG(seed, uint64(worker))) //nolint:gosec // counts workers
			about := func(d time.Duration) time.Duration { return time.Duration((0.5 + random.Float64()) * float64(d)) }
			time.Sleep(about(time.Second))
			for test := range w.tests {
				key, err := domain.NewIdempotencyKey(fmt.Sprint("worker ", worker, " test ", test))
				if err != nil {
					t.Error(err)
					return
				}
				came := time.Now()
				var lease domain.Lease
				for err = domain.ErrPoolExhausted; errors.Is(err, domain.ErrPoolExhausted); {
					terms := domain.Terms{Owner: fmt.Sprint("ci/worker-", worker), TTL: time.Hour, Wait: domain.MaxWait}
					lease, err = farm.Acquire(t.Context(), anyone, terms, key)
				}
				if err != nil {
					t.Error(err)
					return
				}
				waited[worker] = append(waited[worker], time.Since(came))
				time.Sleep(about(w.hold))
				if err := farm.Release(t.Context(), lease.ID); err != nil {
					t.Error(err)
				}
				time.Sleep(about(w.pause))
			}
		})
	}
	running.Wait()
	stop()
	housekeeping.Wait()
	all := slices.Concat(waited...)
	slices.Sort(all)
	rank := func(percent int) time.Duration { return all[(len(all)*percent+99)/100-1] }
	return farm, domain.Waits{P50: rank(50), P95: rank(95), Served: len(all)}
}

// A worker that waits less asks again sooner. So more users bring less than if tests came at fixed times.
func TestTheAdviceIsTrueForWorkersThatAskAgain(t *testing.T) {
	for name, test := range map[string]struct {
		workers
		users int
	}{
		"twice as many workers":      {workers{count: 4, tests: 40, hold: 40 * time.Second}, 2},
		"four times as many workers": {workers{count: 20, tests: 20, hold: time.Minute, pause: time.Second}, 5},
		"workers that pause":         {workers{count: 12, tests: 30, hold: time.Minute, pause: 30 * time.Second}, 5},
		"more than enough":           {workers{count: 5, tests: 40, hold: time.Minute, pause: 20 * time.Second}, 9},
	} {
		for seed := range uint64(3) {
			t.Run(fmt.Sprint(name, seed), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					farm, really := test.run(t, test.users, seed)
					advice, err := farm.Advice(t.Context(), ports.AdviceQuery{})
					if err != nil || len(advice.Wants) != 1 || !advice.Wants[0].Reached {
						t.Fatalf("the advice is %+v (%v)", advice, err)
					}
					want := advice.Wants[0]
					if now := want.At(want.Users); !near(now.P50, really.P50, 10) || !near(now.P95, really.P95, 10) {
						t.Errorf("p50 and p95 were %v and %v, and %v are replayed", really.P50, really.P95, now)
					}
					for _, size := range want.Curve {
						if size.Users == 0 {
							continue
						}
						_, kept := test.run(t, size.Users, seed)
						if !near(size.P50, kept.P50, 10) || !near(size.P95, kept.P95, 10) {
							t.Errorf("with %d users, p50 and p95 are promised as %v, and are %v", size.Users, size.Waits, kept)
						}
					}
				})
			})
		}
	}
}
