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
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// occupancy fails the test unless the acquire is refused for the reason, and returns why its users are not free.
func occupancy(t *testing.T, farm ports.Farm, reason error, want ...domain.Selector) *domain.Occupancy {
	t.Helper()
	_, err := farm.Acquire(t.Context(), want, domain.Terms{}, noKey)
	if !errors.Is(err, reason) {
		t.Fatalf("acquire = %v, want %v", err, reason)
	}
	if unmatched, ok := errors.AsType[*domain.UnmatchedError](err); ok {
		return unmatched.Occupancy
	}
	named, _ := errors.AsType[*domain.SelectorError](err)
	return named.Occupancy
}

func TestARefusalSaysWhoHoldsTheUsersAndWhoWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		farm := mustNew(memory.New(), settings)
		for i := range 12 {
			create(t, farm, fmt.Sprint("user", i))
		}
		for i := range 12 {
			terms := domain.Terms{Owner: fmt.Sprint("worker ", i), Note: "a note", TTL: time.Hour - time.Duration(i)*time.Minute}
			if _, err := farm.Acquire(t.Context(), anyone, terms, noKey); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			go func() { _, _ = farm.Acquire(t.Context(), anyone, domain.Terms{Wait: time.Minute}, noKey) }()
		}
		synctest.Wait()
		got := occupancy(t, farm, domain.ErrPoolExhausted, domain.Selector{})
		if got == nil || got.Waiting != 2 || got.Quarantined != nil || len(got.HeldBy) != domain.MostHolders {
			t.Fatalf("got %+v", got)
		}
		if first := got.HeldBy[0]; first.Owner != "worker 11" || first.Note != "a note" || first.Login == "" {
			t.Errorf("the first holder is %+v", first)
		}
		if !slices.IsSortedFunc(got.HeldBy, func(a, b domain.Holder) int { return a.ExpiresAt.Compare(b.ExpiresAt) }) {
			t.Errorf("the holders are not sorted: %+v", got.HeldBy)
		}
	})
}

func TestARefusalOfANamedUserSaysWhoHoldsIt(t *testing.T) {
	farm := newFarm(t)
	u, other := create(t, farm, "ann"), create(t, farm, "bob")
	if _, err := farm.LockOpen(t.Context(), u); err != nil {
		t.Fatal(err)
	}
	got := occupancy(t, farm, domain.ErrUserLocked, domain.Selector{UserID: other}, domain.Selector{UserID: u})
	if got == nil || len(got.HeldBy) != 1 || got.HeldBy[0] != (domain.Holder{Login: "ann"}) || got.Waiting != 0 {
		t.Errorf("got %+v", got)
	}
}

func TestARefusalSaysThatAllUsersAreInQuarantine(t *testing.T) {
	farm := newFarm(t)
	u := create(t, farm, "ann")
	if _, err := farm.Quarantine(t.Context(), u, "broken"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		reason error
		want   domain.Selector
	}{{domain.ErrPoolExhausted, domain.Selector{}}, {domain.ErrUserQuarantined, domain.Selector{UserID: u}}} {
		if got := occupancy(t, farm, c.reason, c.want); got == nil || !slices.Equal(got.Quarantined, []int{0}) || len(got.HeldBy) != 0 {
			t.Errorf("%v: got %+v", c.reason, got)
		}
	}
	create(t, farm, "bob")
	if _, err := farm.Acquire(t.Context(), anyone, domain.Terms{Owner: "me"}, noKey); err != nil {
		t.Fatal(err)
	}
	if got := occupancy(t, farm, domain.ErrPoolExhausted, domain.Selector{}); got == nil || got.Quarantined != nil || len(got.HeldBy) != 1 {
		t.Errorf("got %+v", got)
	}
}

// A claim gets all of its users or none, so that waiting does not help if a selector has only users in quarantine.
func TestARefusalNamesEachSelectorWhoseUsersAreAllInQuarantine(t *testing.T) {
	farm := newFarm(t, "held", "broken", "broken, too")
	users, err := farm.Users(t.Context(), ports.Query{})
	if err != nil {
		t.Fatal(err)
	}
	for i, u := range users.Users {
		labels := domain.Labels{"role": []string{"plain", "admin", "owner"}[i]}
		if _, err := farm.ChangeUser(t.Context(), u.ID, domain.Change{Labels: &labels}); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			acquire(t, farm, []domain.Selector{{UserID: u.ID}}, domain.Terms{Owner: "me"})
		} else if _, err := farm.Quarantine(t.Context(), u.ID, "broken"); err != nil {
			t.Fatal(err)
		}
	}
	role := func(name string) domain.Selector { return domain.Selector{Labels: domain.Labels{"role": name}} }
	for _, c := range []struct {
		want        []domain.Selector
		quarantined []int
		holders     int
	}{
		{[]domain.Selector{role("admin"), role("plain")}, []int{0}, 1},
		{[]domain.Selector{role("plain"), role("owner"), role("admin")}, []int{1, 2}, 1},
		{[]domain.Selector{role("plain")}, nil, 1},
		{[]domain.Selector{{}, {}}, []int{0}, 1}, // the only one that is not in quarantine does not do for both
	} {
		got := occupancy(t, farm, domain.ErrPoolExhausted, c.want...)
		if got == nil || !slices.Equal(got.Quarantined, c.quarantined) || len(got.HeldBy) != c.holders {
			t.Errorf("%+v: got %+v, want %v in quarantine", c.want, got, c.quarantined)
		}
	}
}

// slowCount is a store that counts the line slowly.
type slowCount struct {
	ports.Store
	calls atomic.Int32
}

func (s *slowCount) CountWaiting(ctx context.Context, want []domain.Selector) (int, error) {
	s.calls.Add(1)
	time.Sleep(100 * time.Millisecond)
	return s.Store.CountWaiting(ctx, want)
}

func TestEqualRefusalsShareAnExplanation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &slowCount{Store: memory.New()}
		farm := mustNew(store, settings)
		u := create(t, farm, "ann")
		if _, err := farm.LockOpen(t.Context(), u); err != nil {
			t.Fatal(err)
		}
		var explained atomic.Int32
		for range 300 {
			go func() {
				if occupancy(t, farm, domain.ErrPoolExhausted, domain.Selector{}) != nil {
					explained.Add(1)
				}
			}()
		}
		time.Sleep(time.Second)
		if calls, n := store.calls.Load(), explained.Load(); calls != 1 || n != 300 {
			t.Errorf("%d of 300 refusals were explained with %d reads, want all with one", n, calls)
		}
	})
}

// buggyCount is a store that panics when it counts the line.
type buggyCount struct{ ports.Store }

func (buggyCount) CountWaiting(context.Context, []domain.Selector) (int, error) { panic("a bug") }

func TestABugInAnExplanationEndsTheRequestAndNotTheProcess(t *testing.T) {
	farm := mustNew(buggyCount{memory.New()}, settings)
	if _, err := farm.LockOpen(t.Context(), create(t, farm, "ann")); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if recover() == nil {
			t.Error("the caller is not told of the bug")
		}
	}()
	_, err := farm.Acquire(t.Context(), anyone, domain.Terms{}, noKey)
	t.Errorf("acquire = %v", err)
}
