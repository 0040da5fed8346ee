package portstest

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

var claimTests = []storeTest{
	{"lets only the caller of a claim see its panic", claimPanics},
	{"locks a free user and returns the locked user", claimOne},
	{"matches every field of a selector", claimFields},
	{"matches any free user if the selector is empty", claimAnyone},
	{"gives every selector a user of its own, in every order of overlapping selectors", claimOverlapping},
	{"keeps a named user for the selector that names it", claimNamed},
	{"finds the only free user behind many that are not free", claimBehindMany},
	{"grants a lease with the maximum number of users", claimMost},
	{"chooses the most rested set of users that serves all selectors", claimMostRestedSet},
	{"writes every change that decide makes", claimWrites},
	{"changes nothing if decide refuses, and returns its error", claimRefused},
	{"passes users to decide as they are stored", claimShows},
}

func claimOne(f *farm) {
	f.add()
	lease := f.acquire(anyone)
	user := f.get(lease.Users[0].ID)
	s := user.Snapshot()
	if s.Fence != 1 || s.Lock == nil {
		f.Fatalf("user has fence %d and lock %+v", s.Fence, s.Lock)
	}
	want := domain.Lock{
		Lease: lease.ID.Digest(), Size: 1, Owner: "ci-4711/worker-3", Note: "a note", AcquiredAt: f.now(), ExpiresAt: f.now().Add(ttl),
	}
	if *s.Lock != want {
		f.Fatalf("lock is %+v, want %+v", *s.Lock, want)
	}
	f.wantStatus(user.ID(), domain.Locked)

	_, err := f.tryAcquire(anyone)
	f.wantErr("acquiring it again", err, domain.ErrPoolExhausted)
	f.wantSame(f.get(user.ID()), user)

	f.must(f.release(lease.ID))
	f.wantStatus(user.ID(), domain.Free)
	if again := f.acquire(anyone); again.Users[0].Fence != 2 {
		f.Fatalf("second fence is %d", again.Users[0].Fence)
	}
}

func claimFields(f *farm) {
	elsewhere := []domain.Pool{
		{ProjectID: projectB, Env: "staging", Domain: "shop"},
		{ProjectID: projectA, Env: "production", Domain: "shop"},
		{ProjectID: projectA, Env: "staging", Domain: "shop.example"},
	}
	admin := domain.Labels{"role": "admin", "plan": "free"}
	for _, pool := range elsewhere {
		f.add(in(pool), withLabels(admin))
	}
	f.add(withLabels(domain.Labels{"role": "admin"}))
	f.add(withLabels(domain.Labels{"role": "admin", "plan": "paid"}))
	wanted := f.add(withLabels(domain.Labels{"role": "admin", "plan": "free", "region": "eu"}))

	full := domain.Selector{ProjectID: projectA, Env: "staging", Domain: "shop", Labels: admin}
	f.wantUsers(f.acquire(full), wanted)
	_, err := f.tryAcquire(full)
	f.wantErr("acquiring it again", err, domain.ErrPoolExhausted)

	for _, s := range []domain.Selector{{ProjectID: projectB}, {Env: "production"}, {Domain: "shop.example"}} {
		lease := f.acquire(s)
		if !s.Matches(f.get(lease.Users[0].ID)) {
			f.Fatalf("selector %+v got a user that it does not match", s)
		}
		_, err := f.tryAcquire(s)
		f.wantErr("acquiring it again", err, domain.ErrPoolExhausted)
	}
}

func claimAnyone(f *farm) {
	pools := []domain.Pool{
		{ProjectID: projectA, Env: "staging", Domain: "shop"},
		{ProjectID: projectA, Env: "production", Domain: "shop"},
		{ProjectID: projectB, Env: "staging", Domain: "mail"},
	}
	var users []*domain.User
	for _, pool := range pools {
		users = append(users, f.add(in(pool)))
	}
	lease := f.acquire(anyone, anyone, anyone)
	f.wantIDs("lease", slices.SortedFunc(leased(lease), compareIDs), sorted(users))
}

func claimOverlapping(f *farm) {
	admins := f.addMany(2, withRole("admin"))
	plain := f.add(withRole("plain"))
	for want := range orders(role("admin"), role("admin"), anyone) {
		lease := f.acquire(want...)
		for i, s := range want {
			u := f.get(lease.Users[i].ID)
			if !s.Matches(u) || (len(s.Labels) == 0) != (u.ID() == plain.ID()) {
				f.Fatalf("selector %d of %+v got %v", i, want, u.Snapshot().Labels)
			}
			if position := u.Snapshot().Lock.Position; position != i {
				f.Fatalf("the lock of user %d has position %d", i, position)
			}
		}
		f.must(f.release(lease.ID))
	}

	// Without the plain user there are too few, and the admins stay free.
	held := f.acquire(role("plain"))
	for want := range orders(role("admin"), role("admin"), anyone) {
		_, err := f.tryAcquire(want...)
		f.wantErr(fmt.Sprintf("acquire %+v", want), err, domain.ErrPoolExhausted)
		for _, admin := range admins {
			f.wantStatus(admin.ID(), domain.Free)
			f.wantFence(admin.ID(), 6)
		}
	}
	f.must(f.release(held.ID))

	// A chain: each selector but the last also matches the user of the next.
	a, b, c := domain.Labels{"a": ""}, domain.Labels{"a": "", "b": ""}, domain.Labels{"a": "", "b": "", "c": ""}
	for _, labels := range []domain.Labels{c, b, a} {
		f.add(withLabels(labels))
	}
	for want := range orders(domain.Selector{Labels: a}, domain.Selector{Labels: b}, domain.Selector{Labels: c}) {
		lease := f.acquire(want...)
		for i, s := range want {
			if got := lease.Users[i].Labels; len(got) != len(s.Labels) {
				f.Fatalf("the selector of %v got %v", s.Labels, got)
			}
		}
		f.must(f.release(lease.ID))
	}
}

func claimNamed(f *farm) {
	users := f.addInOrder(3)
	// The first user is the most rested, so every other selector would take it.
	for want := range orders(named(users[0]), anyone, anyone) {
		lease := f.acquire(want...)
		for i, s := range want {
			if !s.UserID.IsZero() && lease.Users[i].ID != s.UserID {
				f.Fatalf("the selector of %v got %v", s.UserID, lease.Users[i].ID)
			}
		}
		f.must(f.release(lease.ID))
	}
	f.wantUsers(f.acquire(named(users[2]), named(users[0]), named(users[1])), users[2], users[0], users[1])
}

func claimBehindMany(f *farm) {
	locked := f.addMany(60, withRole("admin"))
	want := times(30, role("admin"))
	f.acquire(want...)
	f.acquire(want...)
	for _, u := range f.addMany(40, withRole("admin")) {
		f.must(f.quarantine(u.ID(), "broken"))
	}
	f.addMany(40, withRole("plain"))
	last := f.add(withRole("admin"))

	f.wantUsers(f.acquire(role("admin")), last)
	_, err := f.tryAcquire(role("admin"), named(locked[0]))
	f.wantErr("acquiring a locked one", err, domain.ErrUserLocked)
}

func claimMost(f *farm) {
	f.addMany(domain.MaxLeaseUsers)
	lease := f.acquire(times(domain.MaxLeaseUsers, anyone)...)
	held := slices.SortedFunc(leased(lease), compareIDs)
	if distinct := len(slices.Compact(held)); distinct != domain.MaxLeaseUsers {
		f.Fatalf("the lease holds %d distinct users", distinct)
	}
	read, err := f.read(lease.ID)
	f.must(err)
	f.wantLease(read, lease)
}

func claimMostRestedSet(f *farm) {
	first := f.add(withRole("admin"))
	second := f.add(withRole("plain"))
	third := f.add(withRole("admin"))
	for i, u := range []*domain.User{first, second, third} {
		lease := f.acquire(named(u))
		f.must(f.release(lease.ID))
		f.advance(time.Duration(i+1) * time.Second)
	}
	// In every order of the selectors, the first two users are the most rested pair that serves both.
	for want := range orders(anyone, role("admin")) {
		lease := f.acquire(want...)
		f.wantIDs("lease", slices.SortedFunc(leased(lease), compareIDs), sorted([]*domain.User{first, second}))
		f.must(f.restoreRest(lease, first, second, third))
	}
}

// restoreRest releases the lease and then uses the users in turn, so that the first has rested longest.
func (f *farm) restoreRest(lease domain.Lease, users ...*domain.User) error {
	if err := f.release(lease.ID); err != nil {
		return err
	}
	for _, u := range users {
		f.advance(time.Second)
		again, err := f.tryAcquire(named(u))
		if err != nil {
			return err
		}
		if err := f.release(again.ID); err != nil {
			return err
		}
	}
	return nil
}

func claimWrites(f *farm) {
	u := f.add()
	labels := domain.Labels{"touched": "yes"}
	users, err := f.store.Claim(f.Context(), ports.Claim{Want: []domain.Selector{anyone}, Decide: func(now time.Time, users []*domain.User) error {
		if err := users[0].Change(now, domain.Change{Labels: &labels}); err != nil {
			return err
		}
		return users[0].Quarantine(now, "while claimed")
	}})
	f.must(err)
	s := u.Snapshot()
	s.Labels = labels
	s.Quarantine = &domain.Quarantine{Reason: "while claimed", Since: f.now()}
	f.wantSame(users[0], domain.Restore(s))
	f.wantSame(f.get(u.ID()), domain.Restore(s))
}

func claimRefused(f *farm) {
	errNo := errors.New("no")
	a, b := f.add(), f.add()
	old := f.acquire(named(a))
	f.advance(ttl)
	a = f.get(a.ID())

	id := domain.NewLeaseID()
	_, err := f.store.Claim(f.Context(), ports.Claim{Want: times(2, anyone), Decide: func(now time.Time, users []*domain.User) error {
		if _, err := domain.Grant(now, id, domain.Terms{TTL: ttl}, users); err != nil {
			return err
		}
		return fmt.Errorf("decide refuses: %w", errNo)
	}})
	f.wantErr("Claim", err, errNo)
	f.wantSame(f.get(a.ID()), a)
	f.wantSame(f.get(b.ID()), b)
	f.wantLeaseErr(id, domain.ErrLeaseNotFound)
	f.wantCarriers(old.ID, a)
}

// claimShows checks every call of decide, because a store may call it more than once.
func claimShows(f *farm) {
	u := f.add(withRole("admin"))
	_, err := f.store.Claim(f.Context(), ports.Claim{Want: []domain.Selector{anyone}, Decide: func(now time.Time, users []*domain.User) error {
		if d := difference(users[0].Snapshot(), u.Snapshot()); d != "" {
			return fmt.Errorf("decide got a user that differs from the stored one:%s", d)
		}
		return users[0].LockOpen(now, 0)
	}})
	f.must(err)
	f.wantFence(u.ID(), 1)
}

// orders yields the selectors in every order.
func orders(s ...domain.Selector) iter.Seq[[]domain.Selector] {
	return func(yield func([]domain.Selector) bool) { permute(s, len(s), yield) }
}

// permute yields the orders of s that move only its first n elements.
func permute(s []domain.Selector, n int, yield func([]domain.Selector) bool) bool {
	if n <= 1 {
		return yield(slices.Clone(s))
	}
	for i := range n {
		s[i], s[n-1] = s[n-1], s[i]
		more := permute(s, n-1, yield)
		s[i], s[n-1] = s[n-1], s[i]
		if !more {
			return false
		}
	}
	return true
}

func leased(lease domain.Lease) iter.Seq[domain.UserID] {
	return func(yield func(domain.UserID) bool) {
		for _, u := range lease.Users {
			if !yield(u.ID) {
				return
			}
		}
	}
}

func claimPanics(f *farm) {
	u := f.add()
	attempt := func(claim ports.Claim) (panicked any) {
		defer func() { panicked = recover() }()
		claim.Decide = func(time.Time, []*domain.User) error { panic("a bug") }
		_, err := f.store.Claim(f.Context(), claim)
		f.Errorf("a claim whose Decide panics returned %v", err)
		return nil
	}
	if got := attempt(ports.Claim{Want: []domain.Selector{anyone}}); got != "a bug" {
		f.Fatalf("a claim panicked with %v", got)
	}
	held := f.acquire(anyone)
	panicked := make(chan any, 1)
	before := f.waiting()
	go func() { panicked <- attempt(ports.Claim{Want: []domain.Selector{anyone}, Wait: domain.MaxWait}) }()
	for f.waiting() == before {
		time.Sleep(5 * time.Millisecond)
	}
	f.must(f.release(held.ID))
	if got := <-panicked; got != "a bug" {
		f.Fatalf("a claim in line panicked with %v", got)
	}
	f.wantUsers(f.acquire(anyone), u)
	f.wantFence(u.ID(), 2)
}
