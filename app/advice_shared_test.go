package app_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/userfarm/userfarm/adapters/memory"
	"github.com/userfarm/userfarm/app"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// stockStore counts how often the users of its pools are counted, which begins each advice. That takes time, and may fail.
type stockStore struct {
	ports.Store
	takes time.Duration
	fails atomic.Pointer[error]
	reads atomic.Int32
	bug   atomic.Bool
}

func (s *stockStore) CountAlike(ctx context.Context, want domain.Selector) ([]domain.Stock, time.Time, error) {
	s.reads.Add(1)
	if s.bug.Load() {
		panic("a bug")
	}
	select {
	case <-time.After(s.takes):
	case <-ctx.Done():
		return nil, time.Time{}, ctx.Err()
	}
	if err := s.fails.Load(); err != nil {
		return nil, time.Time{}, *err
	}
	return s.Store.CountAlike(ctx, want)
}

// adviceTest is a farm that is asked for advice.
type adviceTest struct {
	*testing.T
	store *stockStore
	farm  *app.Farm
}

// advised runs a test in a bubble. To make an answer takes some time.
func advised(t *testing.T, takes time.Duration, test func(a adviceTest)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		store := &stockStore{Store: memory.New(), takes: takes}
		test(adviceTest{t, store, mustNew(store, settings)})
	})
}

// ask asks a farm for advice, which may be for a caller with a scope.
func (a adviceTest) ask(farm *app.Farm, q ports.AdviceQuery) domain.Advice {
	a.Helper()
	advice, err := farm.Advice(a.Context(), q)
	if err != nil {
		a.Error(err)
	}
	return advice
}

func (a adviceTest) wantReads(want int32) {
	a.Helper()
	if got := a.store.reads.Swap(0); got != want {
		a.Errorf("the store was read %d times, want %d", got, want)
	}
}

func TestCallersThatAskAtOnceShareTheAdvice(t *testing.T) {
	advised(t, time.Second, func(a adviceTest) {
		for range 20 {
			go a.ask(a.farm, ports.AdviceQuery{})
		}
		time.Sleep(time.Second)
		synctest.Wait()
		a.wantReads(1)
	})
}

func TestAdviceIsUsedAgainForAMinute(t *testing.T) {
	advised(t, time.Second, func(a adviceTest) {
		first := a.ask(a.farm, ports.AdviceQuery{})
		time.Sleep(time.Minute - time.Microsecond)
		if again := a.ask(a.farm, ports.AdviceQuery{}); !again.Until.Equal(first.Until) {
			a.Errorf("the advice is of %v, want %v", again.Until, first.Until)
		}
		a.wantReads(1)
		time.Sleep(time.Microsecond)
		if next := a.ask(a.farm, ports.AdviceQuery{}); !next.Until.After(first.Until) {
			a.Error("after a minute, the advice is the same")
		}
		a.wantReads(1)
	})
}

func TestCallersWithinAMinuteThatNameTheTimeShareTheAdvice(t *testing.T) {
	advised(t, 0, func(a adviceTest) {
		hourAgo := time.Now().Truncate(time.Minute).Add(-time.Hour)
		for _, since := range []time.Time{hourAgo, hourAgo.Add(time.Minute - 1)} {
			if got := a.ask(a.farm, ports.AdviceQuery{Since: since}).Since; !got.Equal(hourAgo) {
				a.Errorf("the period begins at %v, want %v", got, hourAgo)
			}
		}
		a.wantReads(1)
	})
}

func TestAdviceIsSharedOnlyByCallersThatSeeTheSame(t *testing.T) {
	advised(t, 0, func(a adviceTest) {
		ours := func(projects ...domain.ProjectID) *app.Farm {
			return a.farm.For(domain.Caller{Role: domain.Tester, Scope: domain.Only(projects...)})
		}
		for range 2 {
			for _, farm := range []*app.Farm{a.farm, ours(), ours(stage.ProjectID), ours(foreignStage.ProjectID), ours(stage.ProjectID, foreignStage.ProjectID)} {
				a.ask(farm, ports.AdviceQuery{})
			}
		}
		a.wantReads(5)
		for range 2 {
			for _, q := range []ports.AdviceQuery{
				{ProjectID: stage.ProjectID}, {ProjectID: foreignStage.ProjectID}, {Env: "a b"}, {Domain: "a b"}, {Env: "a", Domain: "b"}, {Target: time.Minute},
				{Since: time.Now().Add(-time.Hour)},
			} {
				a.ask(a.farm, q)
			}
		}
		a.wantReads(7)
	})
}

func TestOneAdviceIsMadeAtATime(t *testing.T) {
	advised(t, 40*time.Second, func(a adviceTest) {
		first := make(chan struct{})
		go func() {
			a.ask(a.farm, ports.AdviceQuery{})
			close(first)
		}()
		synctest.Wait()
		began := time.Now()
		_, err := a.farm.Advice(a.Context(), ports.AdviceQuery{Env: "stage"}) // 20 seconds are left for it
		if waited := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || waited != time.Minute {
			a.Errorf("the second advice = %v after %v", err, waited)
		}
		<-first
		a.ask(a.farm, ports.AdviceQuery{Env: "stage"})
		a.wantReads(3)
	})
}

func TestACallerThatLeavesDoesNotStopTheAdvice(t *testing.T) {
	advised(t, 10*time.Second, func(a adviceTest) {
		ctx, leave := context.WithCancel(a.Context())
		left := make(chan error, 1)
		go func() {
			_, err := a.farm.Advice(ctx, ports.AdviceQuery{})
			left <- err
		}()
		synctest.Wait()
		leave()
		if err := <-left; !errors.Is(err, context.Canceled) {
			a.Errorf("the caller that left got %v", err)
		}
		a.ask(a.farm, ports.AdviceQuery{})
		a.wantReads(1)
	})
}

func TestAnErrorIsNotKeptAsAdvice(t *testing.T) {
	advised(t, 0, func(a adviceTest) {
		a.store.fails.Store(new(ports.ErrUnavailable))
		if _, err := a.farm.Advice(a.Context(), ports.AdviceQuery{}); !errors.Is(err, ports.ErrUnavailable) {
			a.Errorf("from a store that is away, the advice is %v", err)
		}
		a.store.fails.Store(nil)
		a.ask(a.farm, ports.AdviceQuery{})
	})
}

func TestABugInTheAdviceEndsTheRequestAndNotTheProcess(t *testing.T) {
	advised(t, 0, func(a adviceTest) {
		a.store.bug.Store(true)
		func() {
			defer func() {
				if recover() == nil {
					a.Error("the caller is not told of the bug")
				}
			}()
			a.ask(a.farm, ports.AdviceQuery{})
		}()
		a.store.bug.Store(false)
		a.ask(a.farm, ports.AdviceQuery{})
	})
}
