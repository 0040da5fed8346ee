package memory

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// TestTheLineIsServedAsIfAllOfItWereLookedAt changes users at random, and compares which claims are served with [domain.Serve] of
// the whole line.
func TestTheLineIsServedAsIfAllOfItWereLookedAt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := &linedFarm{store: New()}
		f.store.clock.latest = time.Now().Add(1000 * time.Hour) // so that only the test moves the clock
		defer func() {
			if f.store.alarm != nil {
				f.store.alarm.Stop()
			}
		}()
		t.Repeat(map[string]func(*rapid.T){
			"add":        f.add,
			"claim":      f.claim,
			"leave":      f.leave,
			"cancel":     f.cancel,
			"release":    f.update(func(now time.Time, u *domain.User) error { return domain.ForceRelease(now, []*domain.User{u}, "") }),
			"quarantine": f.update(func(now time.Time, u *domain.User) error { return u.Quarantine(now, "flaky") }),
			"restore":    f.update(func(now time.Time, u *domain.User) error { return u.Restore(now, "") }),
			"relabel": func(t *rapid.T) {
				labels := drawLabels(t)
				f.update(func(now time.Time, u *domain.User) error { return u.Change(now, domain.Change{Labels: &labels}) })(t)
			},
			"remove": func(t *rapid.T) {
				_ = f.store.Remove(context.Background(), f.drawUser(t), func(time.Time, []*domain.User) error { return nil })
			},
			"wait": func(*rapid.T) {
				f.store.clock.latest = f.store.clock.latest.Add(time.Hour)
				f.store.serve(f.store.clock.now())
			},
			"": f.check,
		})
	})
}

// linedFarm is a store with claims in line.
type linedFarm struct {
	store *Store
	line  []*linedClaim // that were not settled when they were last looked at
	added int
}

type linedClaim struct {
	*waiter
	cancel context.CancelFunc
}

func (f *linedFarm) add(t *rapid.T) {
	var users []*domain.User
	for range rapid.IntRange(1, 3).Draw(t, "users") {
		f.added++
		users = append(users, domain.Restore(domain.Snapshot{
			ID: domain.UserID{1, byte(f.added)}, Login: fmt.Sprint(f.added), Labels: drawLabels(t),
			Pool: domain.Pool{ProjectID: rapid.SampledFrom(someProjects).Draw(t, "project"), Env: "a", Domain: "a"},
		}))
	}
	_ = f.store.Add(context.Background(), domain.Once{}, users...)
}

func (f *linedFarm) drawUser(t *rapid.T) domain.UserID {
	if f.added == 0 {
		t.Skip("no users")
	}
	return domain.UserID{1, byte(rapid.IntRange(1, f.added).Draw(t, "user"))}
}

func (f *linedFarm) claim(t *rapid.T) {
	var want []domain.Selector
	for range rapid.SampledFrom([]int{1, 1, 2, 3}).Draw(t, "size") {
		s := domain.Selector{ProjectID: rapid.SampledFrom(append(someProjects, domain.ProjectID{})).Draw(t, "project"), Labels: drawLabels(t)}
		if rapid.IntRange(0, 5).Draw(t, "named") == 0 {
			s = domain.Selector{UserID: f.drawUser(t)}
		}
		want = append(want, s)
	}
	if domain.CheckSelectors(want) != nil {
		t.Skip("the same user twice")
	}
	ctx, cancel := context.WithCancel(context.Background())
	w, err := f.store.join(ctx, ports.Claim{Want: want, Wait: time.Hour, Decide: func(now time.Time, users []*domain.User) error {
		ttl := time.Duration(rapid.IntRange(1, 3).Draw(t, "ttl")) * time.Hour
		_, err := domain.Grant(now, domain.NewLeaseID(), domain.Terms{TTL: ttl}, users)
		return err
	}})
	if err != nil {
		cancel()
		return
	}
	f.line = append(f.line, &linedClaim{w, cancel})
}

func (f *linedFarm) leave(t *rapid.T) {
	if len(f.line) == 0 {
		t.Skip("no line")
	}
	w := rapid.SampledFrom(f.line).Draw(t, "leaver")
	w.cancel()
	f.store.leave(w.waiter)
}

// cancel ends the call of a claim of one user, which is still in line then.
func (f *linedFarm) cancel(t *rapid.T) {
	for _, w := range f.line {
		if len(w.claim.Want) == 1 && rapid.Bool().Draw(t, "cancel") {
			w.cancel()
			return
		}
	}
}

func (f *linedFarm) update(change func(now time.Time, u *domain.User) error) func(*rapid.T) {
	return func(t *rapid.T) {
		_, _ = f.store.Update(context.Background(), ports.ByUser(f.drawUser(t)), func(now time.Time, users []*domain.User) error {
			return change(now, users[0])
		})
	}
}

// check compares the claims that were served since the last check with those that are served if the users are free that are still
// free, or were given to them.
func (f *linedFarm) check(t *rapid.T) {
	now := f.store.clock.now()
	f.line = slices.DeleteFunc(f.line, func(w *linedClaim) bool { return w.isSettled() && w.err != nil })
	var free []*domain.User
	for u := range f.store.users.after(domain.UserID{}, false) {
		if u.CheckFree(now) == nil {
			free = append(free, u)
		}
	}
	wants := make([][]domain.Selector, len(f.line))
	for i, w := range f.line {
		if w.left() == nil {
			wants[i] = w.claim.Want
		}
		if w.isSettled() {
			free = append(free, w.claim.Users...)
		}
	}
	for i, users := range domain.Serve(wants, free) {
		if served := f.line[i].isSettled(); served != (users != nil) {
			t.Fatalf("claim %d of %d in line: served = %v, want %v", i, len(f.line), served, users != nil)
		}
	}
	f.line = slices.DeleteFunc(f.line, func(w *linedClaim) bool { return w.isSettled() })
	if n := f.store.line.waiters.Len(); n != len(f.line) || f.store.line.wants.Len() != n {
		t.Fatalf("%d claims are in line, %d in its index, want %d", n, f.store.line.wants.Len(), len(f.line))
	}
	f.checkCount(t)
}

// checkCount compares how many claims compete with one with a look at each.
func (f *linedFarm) checkCount(t *rapid.T) {
	want := []domain.Selector{{ProjectID: rapid.SampledFrom(someProjects).Draw(t, "project"), Env: "a", Domain: "a", Labels: drawLabels(t)}}
	named := make(map[domain.UserID]*domain.User)
	for u := range f.store.users.after(domain.UserID{}, false) {
		named[u.ID()] = u
	}
	competing := 0
	for _, w := range f.line {
		if domain.CompeteOn(w.claim.Want, want, named) {
			competing++
		}
	}
	if n, _ := f.store.CountWaiting(context.Background(), want); n != competing {
		t.Fatalf("%d claims compete with one of %+v, want %d", n, want, competing)
	}
}
