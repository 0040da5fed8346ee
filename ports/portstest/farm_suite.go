package portstest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// FarmSubject is a farm under test, for the caller that may do everything.
type FarmSubject struct {
	Farm ports.Farm

	// Advance lets at least d pass on the clock of the farm.
	Advance func(d time.Duration)
}

// FarmFactory returns an empty farm with the default settings, which is closed at the end of the test.
type FarmFactory func(t testing.TB) FarmSubject

// TestFarm tests that a farm keeps the contract of [ports.Farm]. It runs every subtest inside env, on a farm of its own.
func TestFarm(t *testing.T, env Env, newSubject FarmFactory) {
	t.Helper()
	themes := []struct {
		name  string
		tests []farmTest
	}{
		{"Leases", farmLeaseTests},
		{"Refusals", farmRefusalTests},
		{"Waiting", farmWaitingTests},
		{"Idempotency", farmIdempotencyTests},
		{"Codes", farmCodeTests},
		{"Sessions", farmSessionTests},
		{"OpenLocks", farmOpenLockTests},
		{"Accounts", farmAccountTests},
		{"Imports", farmImportTests},
		{"Circulation", farmCirculationTests},
		{"Pools", farmPoolTests},
		{"Advice", farmAdviceTests},
		{"Projects", farmProjectTests},
		{"History", farmHistoryTests},
		{"Keys", farmKeyTests},
	}
	for _, theme := range themes {
		t.Run(theme.name, func(t *testing.T) {
			for _, test := range theme.tests {
				t.Run(test.name, func(t *testing.T) {
					env(t, func(t *testing.T) { test.run(&guest{TB: t, FarmSubject: newSubject(t)}) })
				})
			}
		})
	}
}

// farmTest is a rule for farms and the test of it.
type farmTest struct {
	name string
	run  func(g *guest)
}

// guest is the caller of a farm under test.
type guest struct {
	testing.TB
	FarmSubject
	users int // how many it has created
}

// unkeyed is the key of a call that is always new.
var unkeyed domain.IdempotencyKey

func (g *guest) must(err error) {
	g.Helper()
	if err != nil {
		g.Fatalf("unexpected error: %v", err)
	}
}

// wantErr fails the test unless err is want.
func (g *guest) wantErr(what string, err, want error) {
	g.Helper()
	if !errors.Is(err, want) {
		g.Fatalf("%s: got error %v, want %v", what, err, want)
	}
}

// wantFields fails the test unless err is an [domain.InvalidError] about exactly these fields.
func (g *guest) wantFields(what string, err error, pointers ...string) {
	g.Helper()
	g.wantErr(what, err, domain.ErrInvalid)
	var got []string
	if invalid, ok := errors.AsType[*domain.InvalidError](err); ok {
		for _, f := range invalid.Fields {
			got = append(got, f.Pointer)
			if f.Detail == "" {
				g.Errorf("%s: %s breaks no rule", what, f.Pointer)
			}
		}
	}
	slices.Sort(got)
	slices.Sort(pointers)
	if !slices.Equal(got, pointers) {
		g.Fatalf("%s: the error is about %q, want %q", what, got, pointers)
	}
}

// wantEqual fails the test unless the values are equal in every field.
func (g *guest) wantEqual(what string, got, want any) {
	g.Helper()
	if !reflect.DeepEqual(got, want) {
		g.Fatalf("%s is\n\t%+v, want\n\t%+v", what, got, want)
	}
}

// errorAs returns the error of a type that err is or wraps. Without one it fails the test.
func errorAs[E error](g *guest, what string, err error) E {
	g.Helper()
	typed, ok := errors.AsType[E](err)
	if !ok {
		g.Fatalf("%s: got error %v, want a %v", what, err, reflect.TypeFor[E]())
	}
	return typed
}

// spec returns a user that differs from all others of the test.
func (g *guest) spec(change ...func(*domain.Spec)) domain.Spec {
	g.users++
	spec := domain.Spec{
		Login:    fmt.Sprintf("user-%d@example.com", g.users),
		Password: domain.NewSecret(passwordOf + strconv.Itoa(g.users)),
		Pool:     domain.Pool{ProjectID: projectA, Env: "staging", Domain: "shop"},
	}
	for _, c := range change {
		c(&spec)
	}
	return spec
}

// create creates a user. Its id is higher than those of earlier users.
func (g *guest) create(change ...func(*domain.Spec)) domain.View {
	g.Helper()
	view, _ := g.createWithPassword(change...)
	return view
}

func (g *guest) createWithPassword(change ...func(*domain.Spec)) (domain.View, domain.Secret) {
	g.Helper()
	g.Advance(instant)
	spec := g.spec(change...)
	view, err := g.Farm.CreateUser(g.Context(), spec, unkeyed)
	g.must(err)
	return view, spec.Password
}

// acquire acquires a lease.
func (g *guest) acquire(want ...domain.Selector) domain.Lease {
	g.Helper()
	lease, err := g.tryAcquire(want...)
	g.must(err)
	return lease
}

func (g *guest) tryAcquire(want ...domain.Selector) (domain.Lease, error) {
	return g.Farm.Acquire(g.Context(), want, domain.Terms{Owner: "ci-4711/worker-3", Note: "a note"}, unkeyed)
}

// user reads a user.
func (g *guest) user(id domain.UserID) domain.View {
	g.Helper()
	view, err := g.Farm.User(g.Context(), id)
	g.must(err)
	return view
}

// wantStatus fails the test unless the user has this status.
func (g *guest) wantStatus(id domain.UserID, want domain.Status) {
	g.Helper()
	if got := g.user(id).Status; got != want {
		g.Fatalf("the user is %s, want %s", got, want)
	}
}

// newKey returns an idempotency key.
func (g *guest) newKey(text string) domain.IdempotencyKey {
	g.Helper()
	key, err := domain.NewIdempotencyKey(text)
	g.must(err)
	return key
}

// granted is what an acquire in the background has got.
type granted struct {
	lease domain.Lease
	err   error
}

// stand acquires in the background, and returns when the acquire stands in line as the last of so many.
func (g *guest) stand(
	ctx context.Context, position int, terms domain.Terms, key domain.IdempotencyKey, want ...domain.Selector,
) <-chan granted {
	g.Helper()
	result := make(chan granted, 1)
	go func() {
		lease, err := g.Farm.Acquire(ctx, want, terms, key)
		result <- granted{lease, err}
	}()
	for {
		_, total, err := g.Farm.Line(g.Context(), 0)
		g.must(err)
		if total == position {
			return result
		}
		g.Advance(10 * time.Millisecond)
	}
}

// named is the selector of one user.
func (g *guest) named(user domain.View) domain.Selector { return domain.Selector{UserID: user.ID} }
