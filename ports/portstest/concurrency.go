package portstest

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

var concurrencyTests = []storeTest{
	{"gives each of many claims a user of its own", raceSingles},
	{"serves claims of several users when there are exactly enough users", raceJustEnough},
	{"serves as many claims as it has users for, and refuses the others", raceTooFew},
	{"gives a user to one of the claims that name it", raceNamed},
	{"refuses no claim because of a concurrent claim that takes no user", raceHarmless},
	{"serializes the updates of a user", raceUpdates},
	{"releases a lease once, also during renewals", raceRelease},
	{"rejects the holder of an expired lease, and serves one next claim", raceExpired},
	{"adds a login for one of many callers", raceAdd},
	{"removes a user for one of many callers", raceRemove},
	{"never lets holds of a user overlap or fences repeat", raceStorm},
}

// together makes n calls at once and returns their errors.
func together(n int, call func(i int) error) []error {
	errs := make([]error, n)
	start := make(chan struct{})
	var calls sync.WaitGroup
	for i := range n {
		calls.Go(func() {
			<-start
			errs[i] = call(i)
		})
	}
	close(start)
	calls.Wait()
	return errs
}

// wantOutcomes fails the test unless this many errors are nil and all others are want.
func (f *farm) wantOutcomes(errs []error, succeeded int, want error) {
	f.Helper()
	for _, err := range errs {
		switch {
		case err == nil:
			succeeded--
		case !errors.Is(err, want):
			f.Fatalf("got error %v, want %v", err, want)
		}
	}
	if succeeded != 0 {
		f.Fatalf("%d calls too few succeeded", succeeded)
	}
}

func raceSingles(f *farm) {
	const n, rounds = 30, 2
	f.addMany(n)
	for range rounds {
		leases := make([]domain.Lease, n)
		f.wantOutcomes(together(n, func(i int) (err error) {
			leases[i], err = f.tryAcquire(anyone)
			return err
		}), n, nil)
		f.wantDistinct(leases)
		f.wantUnmatched(domain.ErrPoolExhausted, []int{0}, anyone)
		f.wantOutcomes(together(n, func(i int) error { return f.release(leases[i].ID) }), n, nil)
	}
	for _, u := range f.everyone() {
		if fence := u.Snapshot().Fence; fence != rounds {
			f.Fatalf("user %v has fence %d after %d rounds", u.ID(), fence, rounds)
		}
	}
}

// wantDistinct fails the test if a user is in the leases twice.
func (f *farm) wantDistinct(leases []domain.Lease) {
	f.Helper()
	seen := make(map[domain.UserID]bool)
	for _, lease := range leases {
		for id := range leased(lease) {
			if seen[id] {
				f.Fatalf("user %v was given out twice", id)
			}
			seen[id] = true
		}
	}
}

func raceJustEnough(f *farm) {
	const n = 12
	f.addMany(n, withRole("admin"))
	f.addMany(n, withRole("plain"))
	staging := domain.Selector{Env: "staging"}
	for _, round := range []struct {
		name   string
		claims int
		want   func(i int) []domain.Selector
	}{
		{"opposite orders", n, func(i int) []domain.Selector {
			want := []domain.Selector{role("admin"), role("plain")}
			if i%2 == 0 {
				slices.Reverse(want)
			}
			return want
		}},
		{"selectors that overlap", n * 2 / 3, func(int) []domain.Selector {
			return []domain.Selector{anyone, staging, anyone}
		}},
	} {
		leases := make([]domain.Lease, round.claims)
		errs := together(round.claims, func(i int) (err error) {
			leases[i], err = f.tryAcquire(round.want(i)...)
			return err
		})
		if err := errors.Join(errs...); err != nil {
			f.Fatalf("%s: %v", round.name, err)
		}
		f.wantDistinct(leases)
		f.wantIDs("free users", f.list(ports.Query{Status: domain.Free}), nil)
		for _, lease := range leases {
			f.must(f.release(lease.ID))
		}
	}
}

func raceTooFew(f *farm) {
	f.addMany(5)
	for range 3 {
		leases := make([]domain.Lease, 8)
		f.wantOutcomes(together(len(leases), func(i int) (err error) {
			leases[i], err = f.tryAcquire(anyone, anyone)
			return err
		}), 2, domain.ErrPoolExhausted)
		f.wantDistinct(leases)
		if free := len(f.list(ports.Query{Status: domain.Free})); free != 1 {
			f.Fatalf("%d users are free, want 1", free)
		}
		for _, lease := range leases {
			if len(lease.Users) > 0 {
				f.must(f.release(lease.ID))
			}
		}
	}
}

func raceNamed(f *farm) {
	u := f.add()
	f.add()
	f.wantOutcomes(together(10, func(i int) error {
		if i%2 == 0 {
			return f.lockOpen(u.ID(), 0)
		}
		_, err := f.tryAcquire(named(u))
		return err
	}), 1, domain.ErrUserLocked)
	f.wantFence(u.ID(), 1)
}

func raceHarmless(f *farm) {
	u := f.add(withRole("admin"))
	errNo := errors.New("no")
	refuse := func(now time.Time, users []*domain.User) error {
		if err := users[0].LockOpen(now, 0); err != nil {
			return err
		}
		return errNo
	}
	rivals := []func() error{
		func() error { return f.update(u.ID(), func(time.Time, *domain.User) error { return nil }) },
		func() error {
			_, err := f.store.Claim(f.Context(), ports.Claim{Want: []domain.Selector{anyone}, Decide: refuse})
			return err
		},
		func() error { return f.store.Remove(f.Context(), u.ID(), refuse) },
	}
	const locks = 15
	done := make(chan struct{})
	var running sync.WaitGroup
	for _, rival := range rivals {
		running.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				err := rival()
				if err != nil && !errors.Is(err, errNo) && !errors.Is(err, domain.ErrUserLocked) &&
					!errors.Is(err, domain.ErrPoolExhausted) {
					f.Errorf("rival: %v", err)
					return
				}
			}
		})
	}
	var err error
	for i := 0; i < locks && err == nil; i++ {
		var lease domain.Lease
		if lease, err = f.tryAcquire([]domain.Selector{anyone, named(u), role("admin")}[i%3]); err == nil {
			err = f.release(lease.ID)
		}
	}
	close(done)
	running.Wait()
	f.must(err)
	f.wantFence(u.ID(), locks)
}

func raceUpdates(f *farm) {
	const n = 20
	u := f.add(withLabels(domain.Labels{"n": "0"}))
	f.wantOutcomes(together(n, func(int) error {
		return f.update(u.ID(), func(now time.Time, u *domain.User) error {
			before, err := strconv.Atoi(u.Snapshot().Labels["n"])
			if err != nil {
				return err
			}
			labels := domain.Labels{"n": strconv.Itoa(before + 1)}
			return u.Change(now, domain.Change{Labels: &labels})
		})
	}), n, nil)
	if got := f.get(u.ID()).Snapshot().Labels["n"]; got != strconv.Itoa(n) {
		f.Fatalf("after %d updates, the counter is %s", n, got)
	}

	// The fence counts every lock that was granted.
	errs := together(n, func(i int) error {
		if i%2 == 0 {
			return f.lockOpen(u.ID(), 0)
		}
		return f.forceRelease(u.ID())
	})
	granted := uint64(0)
	for i, err := range errs {
		switch {
		case err == nil && i%2 == 0:
			granted++
		case err != nil && !errors.Is(err, domain.ErrUserLocked):
			f.Fatal(err)
		}
	}
	f.wantFence(u.ID(), granted)
}

func raceRelease(f *farm) {
	users := f.addMany(3)
	lease := f.acquire(times(3, anyone)...)
	var released []error
	errs := together(12, func(i int) error {
		if i%3 == 0 {
			_, err := f.renew(lease.ID, time.Hour)
			return err
		}
		return f.release(lease.ID)
	})
	for i, err := range errs {
		switch {
		case i%3 != 0:
			released = append(released, err)
		case err != nil:
			f.wantErr("renew", err, domain.ErrLeaseExpired)
		}
	}
	f.wantOutcomes(released, 1, domain.ErrLeaseExpired)
	for _, u := range users {
		f.wantStatus(u.ID(), domain.Free)
		f.wantFence(u.ID(), 1)
	}
}

func raceExpired(f *farm) {
	users := f.addMany(2)
	old := f.acquire(anyone, anyone)
	f.advance(ttl)
	errs := together(9, func(i int) error {
		switch i % 3 {
		case 0:
			_, err := f.renew(old.ID, ttl)
			return err
		case 1:
			return f.release(old.ID)
		default:
			_, err := f.tryAcquire(anyone, anyone)
			return err
		}
	})
	var claims []error
	for i, err := range errs {
		if i%3 == 2 {
			claims = append(claims, err)
			continue
		}
		f.wantErr("using the expired lease", err, domain.ErrLeaseExpired)
	}
	f.wantOutcomes(claims, 1, domain.ErrPoolExhausted)
	for _, u := range users {
		f.wantFence(u.ID(), 2)
	}
}

func raceAdd(f *farm) {
	const n = 10
	batches := make([][]*domain.User, n)
	for i := range batches {
		batches[i] = []*domain.User{f.build(), f.build(withLogin("one"))}
		if i%2 == 0 {
			slices.Reverse(batches[i])
		}
	}
	f.wantOutcomes(together(n, func(i int) error {
		return f.store.Add(f.Context(), domain.Once{}, batches[i]...)
	}), 1, domain.ErrUserExists)
	if got := len(f.everyone()); got != 2 {
		f.Fatalf("%d users were added, want one batch of 2", got)
	}
}

func raceRemove(f *farm) {
	u := f.add()
	f.wantOutcomes(together(8, func(int) error { return f.remove(u.ID()) }), 1, domain.ErrUserNotFound)

	// A claim during the removal of its user either locks the user or does not find it.
	u = f.add()
	errs := together(2, func(i int) error {
		if i == 0 {
			return f.remove(u.ID())
		}
		_, err := f.tryAcquire(named(u))
		return err
	})
	removed, claimed := errs[0], errs[1]
	if removed == nil {
		f.wantErr("claim", claimed, domain.ErrUserNotFound)
		return
	}
	f.wantErr("remove", removed, domain.ErrUserLocked)
	f.must(claimed)
}

func raceStorm(f *farm) {
	const workers, rounds = 8, 8
	for i := range 10 {
		f.add(withLabels(domain.Labels{"role": []string{"admin", "plain"}[i%2], "third": strconv.Itoa(i % 3)}))
	}
	third := func(i int) domain.Selector {
		return domain.Selector{Labels: domain.Labels{"third": strconv.Itoa(i % 3)}}
	}
	wants := [][]domain.Selector{
		{anyone}, {role("admin")}, {third(0), role("plain")}, {role("admin"), third(1), anyone}, {anyone, third(2)},
	}

	held := newHolds()
	f.wantOutcomes(together(workers, func(worker int) error {
		for round := range rounds {
			lease, err := f.tryAcquire(wants[(3*worker+round)%len(wants)]...)
			if errors.Is(err, domain.ErrPoolExhausted) {
				continue
			}
			if err != nil {
				return err
			}
			if err := held.begin(lease); err != nil {
				return err
			}
			if _, err := f.renew(lease.ID, ttl); err != nil {
				return err
			}
			held.end(lease)
			if err := f.release(lease.ID); err != nil {
				return err
			}
		}
		return nil
	}), workers, nil)

	for _, u := range f.everyone() {
		fences := held.fences[u.ID()]
		slices.Sort(fences)
		for i, fence := range fences {
			if fence != uint64(i+1) { //nolint:gosec // an index
				f.Fatalf("user %v was held with fences %v", u.ID(), fences)
			}
		}
		f.wantFence(u.ID(), uint64(len(fences)))
		f.wantStatus(u.ID(), domain.Free)
	}
}

// holds records which lease holds which user. It is safe for concurrent use.
type holds struct {
	mu     sync.Mutex
	live   map[domain.UserID]bool
	fences map[domain.UserID][]uint64
}

func newHolds() *holds {
	return &holds{live: make(map[domain.UserID]bool), fences: make(map[domain.UserID][]uint64)}
}

func (h *holds) begin(lease domain.Lease) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, u := range lease.Users {
		if h.live[u.ID] {
			return fmt.Errorf("user %v was given out while it was held", u.ID)
		}
		h.live[u.ID] = true
		h.fences[u.ID] = append(h.fences[u.ID], u.Fence)
	}
	return nil
}

func (h *holds) end(lease domain.Lease) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for id := range leased(lease) {
		h.live[id] = false
	}
}
