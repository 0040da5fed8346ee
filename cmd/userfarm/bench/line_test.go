package bench

import (
	"context"
	nethttp "net/http"
	"sync"
	"testing"
	"time"
)

// short is a config with few clients and users.
func short(farm string) Config {
	cfg := right()
	cfg.URL, cfg.Clients, cfg.Users, cfg.For = farm, 4, 20, shortly
	return cfg
}

func wantNobodyInLine(t *testing.T, farm string) {
	t.Helper()
	waiting, err := newFarmAt(t, farm).newCaller().line()
	if err != nil || waiting != 0 {
		t.Errorf("%d acquires are in line (%v)", waiting, err)
	}
}

func TestTheBenchMeasuresBesideWaiters(t *testing.T) {
	for _, want := range []string{"different", "alike"} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			farm := startFarm(t)
			cfg := short(farm)
			cfg.Waiters, cfg.WaitersWant, cfg.Compare, cfg.Rounds = 10, want, true, 2
			r, err := benchmark(t.Context(), t, cfg)
			if err != nil {
				t.Fatal(err)
			}
			if w := r.Waiters; w.Count != 10 || w.Want != want || w.InLine != 10 || len(w.Errors) != 0 || w.HandOver.Count == 0 {
				t.Errorf("want 10 waiters in line without errors, and hand-overs: %+v", w)
			}
			if r.Pairs == 0 || r.Plain.Pairs == 0 || len(r.Errors)+len(r.Plain.Errors) != 0 || r.Overlaps != 0 || r.FencesOutOfOrder != 0 {
				t.Errorf("want pairs of both without errors: %+v", r)
			}
			if r.Rounds != 2 || r.Ratio.Min <= 0 || r.Ratio.Min > r.Ratio.Median || r.Ratio.Median > r.Ratio.Max {
				t.Errorf("want the ratio of 2 rounds: %+v", r)
			}
			wantNoUsers(t, farm)
			wantNobodyInLine(t, farm)
		})
	}
}

func TestWaitersOfAnInterruptedBenchLeaveTheLine(t *testing.T) {
	farm := startFarm(t)
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	proxy := startProxy(t, farm, func(_ nethttp.ResponseWriter, r *nethttp.Request, before int64) bool {
		if isRelease(r) && before == 20 {
			interrupt()
		}
		return false
	})
	cfg := short(proxy)
	cfg.Waiters, cfg.For = 10, time.Hour
	r, err := benchmark(ctx, t, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if r.Pairs < 10 || r.Waiters.InLine != 10 || r.Waiters.HandOver.Count != 0 {
		t.Errorf("want the pairs before the interrupt, and no hand-over: %+v", r)
	}
	wantNoUsers(t, farm)
	wantNobodyInLine(t, farm)
}

func TestAWaiterWhoseWaitIsOverAsksAgainWithItsKey(t *testing.T) {
	farm := startFarm(t)
	var mu sync.Mutex
	asked := map[string]int{}
	proxy := startProxy(t, farm, func(w nethttp.ResponseWriter, r *nethttp.Request, _ int64) bool {
		key := r.Header.Get("Idempotency-Key")
		if key == "" {
			return false
		}
		mu.Lock()
		defer mu.Unlock()
		asked[key]++
		if asked[key] == 1 {
			answer(w, 409, `{"code":"pool_exhausted","detail":"No user is free.","errors":[]}`)
		}
		return asked[key] == 1
	})
	cfg := short(proxy)
	cfg.Waiters = 5
	r, err := benchmark(t.Context(), t, cfg)
	if err != nil || r.Waiters.InLine != 5 || len(r.Waiters.Errors) != 0 {
		t.Errorf("want 5 waiters in line, and no error: %+v, %v", r, err)
	}
	for key, times := range asked {
		if times > 2 {
			t.Errorf("%d acquires have the key %s", times, key)
		}
	}
	wantNoUsers(t, farm)
}

func TestFailuresOfWaitersAreCountedApart(t *testing.T) {
	farm := startFarm(t)
	var mu sync.Mutex
	refused := 0
	proxy := startProxy(t, farm, func(w nethttp.ResponseWriter, r *nethttp.Request, _ int64) bool {
		mu.Lock()
		defer mu.Unlock()
		refuse := r.Header.Get("Idempotency-Key") != "" && refused < 3
		if refuse {
			refused++
			answer(w, 503, unavailable)
		}
		return refuse
	})
	cfg := short(proxy)
	cfg.Waiters = 5
	r, err := benchmark(t.Context(), t, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Errors) != 0 || r.Waiters.Errors["store_unavailable"] != 3 || r.Waiters.FirstError == "" || r.Waiters.InLine != 5 {
		t.Errorf("want 3 failures of waiters, and all in line in the end: %+v", r)
	}
	wantNoUsers(t, farm)
}
