package app_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/userfarm/userfarm/adapters/memory"
	"github.com/userfarm/userfarm/app"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// failing is a store whose EndExpired and Ping fail while err is set.
type failing struct {
	*memory.Store
	mu  sync.Mutex
	err error
}

func (s *failing) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

func (s *failing) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

func (s *failing) EndExpired(ctx context.Context) (time.Duration, error) {
	if err := s.failure(); err != nil {
		return 0, err
	}
	return s.Store.EndExpired(ctx)
}

func (s *failing) Ping(context.Context) error { return s.failure() }

// synctest fails the test if a goroutine of the housekeeping is left when the test ends.
func TestHousekeepingRunsUntilItsContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		farm := newFarm(t, "ann")
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { farm.RunHousekeeping(ctx, slog.New(slog.DiscardHandler)) })
		running.Go(func() { app.NewGate(farm, true).RunRecording(ctx, slog.New(slog.DiscardHandler)) })
		time.Sleep(2 * time.Hour)
		cancel()
		running.Wait()
	})
}

func TestHousekeepingEndsExpiredLocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		farm := newFarm(t, "ann")
		go farm.RunHousekeeping(t.Context(), slog.New(slog.DiscardHandler))
		acquire(t, farm, anyone, domain.Terms{TTL: time.Minute})
		time.Sleep(time.Minute + 6*time.Second)
		synctest.Wait()
		if n := expiries(t, farm); n != 1 {
			t.Errorf("%d expiries are on record, want 1", n)
		}
	})
}

func TestHousekeepingForgetsEventsThatAreOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		farm := mustNew(memory.New(), app.Settings{Ages: ports.Ages{Events: time.Hour}})
		create(t, farm, "ann")
		go farm.RunHousekeeping(t.Context(), slog.New(slog.DiscardHandler))
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		page, err := farm.Events(t.Context(), ports.EventQuery{Limit: 10})
		if err != nil || len(page.Events) != 0 {
			t.Errorf("events = %+v, %v", page.Events, err)
		}
	})
}

func TestHousekeepingRetriesAndLogsAFailureOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &failing{Store: memory.New()}
		store.fail(errors.New("the disk is full"))
		farm := mustNew(store, settings)
		create(t, farm, "ann")
		acquire(t, farm, anyone, domain.Terms{TTL: time.Minute})

		var text bytes.Buffer
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { farm.RunHousekeeping(ctx, slog.New(slog.NewTextHandler(&text, nil))) })
		time.Sleep(2 * time.Minute)
		store.fail(nil)
		time.Sleep(time.Minute)
		cancel()
		running.Wait()
		if n := strings.Count(text.String(), "the disk is full"); n != 1 {
			t.Errorf("the failure is logged %d times:\n%s", n, text.String())
		}
		if n := expiries(t, farm); n != 1 {
			t.Errorf("%d expiries are on record, want 1", n)
		}
	})
}

// forgetful is a store whose Forget fails at first.
type forgetful struct {
	*memory.Store
	times atomic.Int32
}

func (s *forgetful) Forget(ctx context.Context, ages ports.Ages) error {
	if s.times.Add(1) <= 5 {
		return errors.New("the disk is full")
	}
	return s.Store.Forget(ctx, ages)
}

func TestHousekeepingForgetsEveryMinuteAndLogsAFailureOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &forgetful{Store: memory.New()}
		farm := mustNew(store, settings)
		var text bytes.Buffer
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { farm.RunHousekeeping(ctx, slog.New(slog.NewTextHandler(&text, nil))) })
		time.Sleep(9*time.Minute + time.Second)
		cancel()
		running.Wait()
		if n := store.times.Load(); n != 10 {
			t.Errorf("it forgot %d times in 9 minutes, want 10", n)
		}
		if n := strings.Count(text.String(), "the disk is full"); n != 1 {
			t.Errorf("it is logged %d times:\n%s", n, text.String())
		}
	})
}

func expiries(t *testing.T, farm *app.Farm) (n int) {
	t.Helper()
	page, err := farm.Events(t.Context(), ports.EventQuery{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range page.Events {
		if e.Kind == domain.UserExpired {
			n++
		}
	}
	return n
}
