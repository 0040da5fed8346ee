package app_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/userfarm/userfarm/adapters/memory"
	"github.com/userfarm/userfarm/app"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// closest fails the test unless no user matches the selectors, and returns what comes closest.
func closest(t *testing.T, farm ports.Farm, want ...domain.Selector) (misses []string) {
	t.Helper()
	_, err := farm.Acquire(t.Context(), want, domain.Terms{Wait: time.Minute}, noKey)
	unmatched, ok := errors.AsType[*domain.UnmatchedError](err)
	if !ok || !errors.Is(err, domain.ErrNoMatch) {
		t.Errorf("acquire = %v, want that no user matches", err)
		return nil
	}
	for _, miss := range unmatched.Closest {
		misses = append(misses, fmt.Sprintf("%s: %v", miss.Pointer(), miss))
	}
	return misses
}

func wantClosest(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("closest is\n\t%q, want\n\t%q", got, want)
	}
}

// labelled creates a user with labels in a pool.
func labelled(t *testing.T, farm *app.Farm, login string, pool domain.Pool, labels domain.Labels) {
	t.Helper()
	s := spec(login)
	s.Pool, s.Labels = pool, labels
	if _, err := farm.CreateUser(t.Context(), s, noKey); err != nil {
		t.Fatal(err)
	}
}

func TestARefusalSaysThatTooFewUsersMatch(t *testing.T) {
	farm := newFarm(t)
	for i := range 2 {
		labelled(t, farm, fmt.Sprint("admin", i), stage, domain.Labels{"role": "admin"})
	}
	labelled(t, farm, "plain", stage, domain.Labels{"role": "plain"})
	admin, plain := domain.Selector{Labels: domain.Labels{"role": "admin"}}, domain.Selector{Labels: domain.Labels{"role": "plain"}}
	wantClosest(t, closest(t, farm, admin, admin, admin), "/users/2: only 2 users match, and more are wanted",
		`/users/2/labels/role: 1 user that matches otherwise has label role "plain", not "admin"`)
	wantClosest(t, closest(t, farm, plain, admin, plain), "/users/2: only 1 user matches, and more are wanted",
		`/users/2/labels/role: 2 users that match otherwise have label role "admin", not "plain"`)
	wantClosest(t, closest(t, farm, make([]domain.Selector, 4)...), "/users/3: only 3 users match, and more are wanted")
}

func TestARefusalSaysWhatComesClosest(t *testing.T) {
	farm := newFarm(t)
	wantClosest(t, closest(t, farm, domain.Selector{}), "/users/0: the farm has no users")
	staging := domain.Pool{ProjectID: stage.ProjectID, Env: "staging", Domain: "regular"}
	for i := range 3 {
		labelled(t, farm, fmt.Sprint("admin", i), staging, domain.Labels{"role": "admin"})
	}
	labelled(t, farm, "plain", stage, nil)
	admin := domain.Labels{"role": "admin"}

	wantClosest(t, closest(t, farm, domain.Selector{Env: "stag"}),
		`/users/0/env: 4 users that match otherwise have env "stage" or "staging", not "stag"`)
	wantClosest(t, closest(t, farm, domain.Selector{Env: "stage", Labels: admin}),
		`/users/0/env: 3 users that match otherwise have env "staging", not "stage"`,
		`/users/0/labels/role: 1 user that matches otherwise has no label role`)
	wantClosest(t, closest(t, farm, domain.Selector{}, domain.Selector{Domain: "x", Env: "y"}, domain.Selector{Labels: domain.Labels{"role": "Admin"}}),
		`/users/1: no field alone is to blame, and the farm has 4 users`,
		`/users/2/labels/role: 4 users that match otherwise have label role "admin" or something else, not "Admin"`)
	wantClosest(t, closest(t, farm, domain.Selector{ProjectID: domain.ProjectID{9}, Env: "y"}),
		`/users/0: project 09000000-0000-0000-0000-000000000000 has no users`)
	wantClosest(t, closest(t, farm, domain.Selector{Env: "stage"}, domain.Selector{Env: "stage"}),
		`/users/1: only 1 user matches, and more are wanted`,
		`/users/1/env: 3 users that match otherwise have env "staging", not "stage"`)
}

func TestARefusalDoesNotTellOfOtherProjects(t *testing.T) {
	farm := newFarm(t, "ann")
	foreign := domain.Pool{ProjectID: domain.ProjectID{2}, Env: "hidden", Domain: "hidden"}
	labelled(t, farm, "bob", foreign, domain.Labels{"role": "admin"})
	view := farm.For(domain.Caller{Role: domain.Tester, Scope: domain.Only(stage.ProjectID)})
	wantClosest(t, closest(t, view, domain.Selector{Env: "hidde"}),
		`/users/0/env: 1 user that matches otherwise has env "stage", not "hidde"`)
	wantClosest(t, closest(t, view, domain.Selector{Labels: domain.Labels{"role": "admin"}}),
		`/users/0/labels/role: 1 user that matches otherwise has no label role`)
	wantClosest(t, closest(t, view, domain.Selector{Env: "hidden", Domain: "hidden"}),
		`/users/0: no field alone is to blame, and the farm has 1 user`)
}

// countingStore counts how many counts run.
type countingStore struct {
	ports.Store
	answer              func(ctx context.Context) error
	calls, running, top atomic.Int32
}

// CountValues implements [ports.PoolCounter].
func (s *countingStore) CountValues(ctx context.Context, want domain.Selector, field domain.Field) ([]domain.ValueCount, error) {
	s.calls.Add(1)
	s.top.Store(max(s.top.Load(), s.running.Add(1)))
	defer s.running.Add(-1)
	if err := s.answer(ctx); err != nil {
		return nil, err
	}
	return s.Store.CountValues(ctx, want, field)
}

func TestAStoreThatFailsOrIsSlowLeavesARefusalUnexplained(t *testing.T) {
	for name, answer := range map[string]func(context.Context) error{
		"fails": func(context.Context) error { return ports.ErrUnavailable },
		"is slow": func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := &countingStore{Store: memory.New(), answer: answer}
				began := time.Now()
				wantClosest(t, closest(t, mustNew(store, settings), domain.Selector{Env: "stage", Domain: "x"}))
				if waited := time.Since(began); waited > time.Second {
					t.Errorf("it took %v", waited)
				}
				if calls := store.calls.Load(); calls != 1 {
					t.Errorf("it was asked %d times", calls)
				}
			})
		})
	}
}

func TestManyRefusalsAreExplainedAFewAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &countingStore{Store: memory.New(), answer: func(context.Context) error {
			time.Sleep(100 * time.Millisecond)
			return nil
		}}
		farm := mustNew(store, settings)
		began := time.Now()
		var explained, answered atomic.Int32
		for i := range 1000 {
			go func() {
				if len(closest(t, farm, domain.Selector{Env: fmt.Sprint("env ", i)})) > 0 {
					explained.Add(1)
				}
				answered.Add(1)
			}()
		}
		time.Sleep(time.Second)
		if answered.Load() != 1000 || time.Since(began) != time.Second {
			t.Errorf("%d of 1000 are answered after a second", answered.Load())
		}
		if top := store.top.Load(); top > 2 {
			t.Errorf("%d ran at a time", top)
		}
		if n := explained.Load(); n < 4 || n > 6 { // two reads each
			t.Errorf("%d were explained in half a second", n)
		}
	})
}

func TestALargeRefusalIsExplainedInPart(t *testing.T) {
	store := &countingStore{Store: memory.New(), answer: func(context.Context) error { return nil }}
	farm := mustNew(store, settings)
	create(t, farm, "ann")
	labels := domain.Labels{}
	for i := range 64 {
		labels[fmt.Sprint("key", i)] = "x"
	}
	want := make([]domain.Selector, domain.MaxLeaseUsers)
	for i := range want {
		want[i] = domain.Selector{Env: "stage", Domain: fmt.Sprint(i)}
	}
	if got := closest(t, farm, want...); len(got) != 3 {
		t.Errorf("%d selectors are explained", len(got))
	}
	store.calls.Store(0)
	want[0].Labels, want[1].Labels = labels, labels
	closest(t, farm, want...)
	if calls := store.calls.Load(); calls != 8 {
		t.Errorf("the store was asked %d times", calls)
	}
}
