package portstest

import (
	"errors"
	"fmt"
	"slices"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

var refusalTests = []storeTest{
	{"distinguishes no matching user from no free user", refuseUnmatched},
	{"names the selectors that got no user", refuseSelectors},
	{"counts a user only once when it checks whether enough match", refuseTooFew},
	{"counts a user in quarantine among those that match", refuseQuarantined},
	{"names the selector of a user that is not available", refuseNamed},
	{"reports a named user first", refuseNamedFirst},
	{"locks no user", refuseAll},
}

func refuseUnmatched(f *farm) {
	f.wantUnmatched(domain.ErrNoMatch, []int{0}, anyone)

	f.add(withRole("admin"))
	f.wantUnmatched(domain.ErrNoMatch, []int{0}, role("plain"))
	f.wantUnmatched(domain.ErrNoMatch, []int{0}, domain.Selector{ProjectID: projectB})
	f.wantUnmatched(domain.ErrNoMatch, []int{0}, domain.Selector{Labels: domain.Labels{"role": "admin", "plan": "free"}})

	f.acquire(role("admin"))
	f.wantUnmatched(domain.ErrPoolExhausted, []int{0}, role("admin"))
	f.wantUnmatched(domain.ErrPoolExhausted, []int{0}, anyone)
	f.wantUnmatched(domain.ErrNoMatch, []int{0}, role("plain"))
}

func refuseSelectors(f *farm) {
	f.addMany(5, withRole("plain"))
	admin := f.add(withRole("admin"))
	f.wantUnmatched(domain.ErrNoMatch, []int{1}, role("plain"), role("robot"), role("admin"))
	f.wantUnmatched(domain.ErrNoMatch, []int{0, 3}, role("robot"), role("plain"), role("admin"), role("ghost"))
	f.wantUnmatched(domain.ErrNoMatch, []int{2}, named(admin), role("plain"), role("robot"))

	f.acquire(named(admin))
	f.wantUnmatched(domain.ErrPoolExhausted, []int{2}, role("plain"), role("plain"), role("admin"))
	f.wantUnmatched(domain.ErrNoMatch, []int{1}, role("admin"), role("robot"))
}

func refuseTooFew(f *farm) {
	f.add(withRole("admin"))
	f.add(withRole("plain"))
	for want := range orders(role("admin"), role("admin"), role("plain")) {
		f.wantOneUnmatched(domain.ErrNoMatch, role("admin"), want)
	}
	// The third selector matches every user, but there are only two users for three selectors.
	for want := range orders(anyone, role("admin"), role("plain")) {
		_, err := f.tryAcquire(want...)
		f.wantErr(fmt.Sprintf("acquire %+v", want), err, domain.ErrNoMatch)
	}
	f.add(withRole("admin"))
	f.acquire(role("admin"))
	for want := range orders(role("admin"), role("admin"), role("plain")) {
		f.wantOneUnmatched(domain.ErrPoolExhausted, role("admin"), want)
	}
}

func refuseQuarantined(f *farm) {
	u := f.add()
	f.must(f.quarantine(u.ID(), "broken"))
	f.wantUnmatched(domain.ErrPoolExhausted, []int{0}, anyone)

	f.must(f.update(u.ID(), restored))
	f.wantUsers(f.acquire(anyone), u)
}

func refuseNamed(f *farm) {
	free, leased, open, broken := f.add(), f.add(), f.add(), f.add()
	f.acquire(named(leased))
	f.must(f.lockOpen(open.ID(), 0))
	f.must(f.quarantine(broken.ID(), "broken"))
	unknown := f.build()

	f.wantRefused(domain.ErrUserNotFound, 0, named(unknown))
	f.wantRefused(domain.ErrUserLocked, 0, named(leased))
	f.wantRefused(domain.ErrUserLocked, 1, named(free), named(open))
	f.wantRefused(domain.ErrUserQuarantined, 2, anyone, named(free), named(broken))
	f.wantRefused(domain.ErrUserNotFound, 1, named(free), named(unknown), named(leased))
	f.wantRefused(domain.ErrUserLocked, 1, named(free), named(leased), named(unknown))

	// Quarantined comes before locked, as in the user's status.
	f.must(f.quarantine(leased.ID(), "broken"))
	f.wantRefused(domain.ErrUserQuarantined, 0, named(leased))

	f.advance(ttl)
	f.must(f.update(leased.ID(), restored))
	f.wantUsers(f.acquire(named(leased)), leased)
}

func refuseNamedFirst(f *farm) {
	locked := f.add()
	f.acquire(named(locked))
	f.wantRefused(domain.ErrUserLocked, 1, role("no user has it"), named(locked))
	f.wantRefused(domain.ErrUserLocked, 2, anyone, anyone, named(locked))
}

func refuseAll(f *farm) {
	users := f.addMany(3)
	locked := f.add(withRole("admin"))
	f.acquire(named(locked))
	for _, want := range [][]domain.Selector{
		{anyone, anyone, anyone, anyone},
		{anyone, role("admin")},
		{role("robot"), anyone},
		{anyone, named(locked)},
		{named(users[0]), named(f.build())},
	} {
		if _, err := f.store.Claim(f.Context(), ports.Claim{Want: want, Decide: f.undecided}); err == nil {
			f.Fatalf("acquire %+v: no error", want)
		}
		for _, u := range users {
			f.wantSame(f.get(u.ID()), u)
		}
	}
	f.acquire(anyone, anyone, anyone)
}

// wantUnmatched fails the test unless acquiring is refused for the reason, naming these selectors.
func (f *farm) wantUnmatched(reason error, selectors []int, want ...domain.Selector) {
	f.Helper()
	_, err := f.tryAcquire(want...)
	unmatched, ok := errors.AsType[*domain.UnmatchedError](err)
	if !ok || !errors.Is(err, reason) || !slices.Equal(unmatched.Selectors, selectors) {
		f.Fatalf("acquire %+v: got %v, want %v for selectors %v", want, err, reason, selectors)
	}
}

// wantOneUnmatched is wantUnmatched for one of several equal selectors.
func (f *farm) wantOneUnmatched(reason error, one domain.Selector, want []domain.Selector) {
	f.Helper()
	_, err := f.tryAcquire(want...)
	unmatched, ok := errors.AsType[*domain.UnmatchedError](err)
	if !ok || !errors.Is(err, reason) || len(unmatched.Selectors) != 1 ||
		!want[unmatched.Selectors[0]].Labels.Contain(one.Labels) {
		f.Fatalf("acquire %+v: got %v, want %v for one of %+v", want, err, reason, one)
	}
}

// wantRefused fails the test unless acquiring is refused for what is wrong with the user that one selector names.
func (f *farm) wantRefused(reason error, selector int, want ...domain.Selector) {
	f.Helper()
	_, err := f.tryAcquire(want...)
	named, ok := errors.AsType[*domain.SelectorError](err)
	if !ok || !errors.Is(err, reason) || named.Selector != selector {
		f.Fatalf("acquire %+v: got %v, want %v for selector %d", want, err, reason, selector)
	}
}
