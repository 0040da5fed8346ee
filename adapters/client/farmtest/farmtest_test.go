package farmtest_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/userfarm/userfarm/adapters/client/farmtest"
	"github.com/userfarm/userfarm/adapters/memory"
	"github.com/userfarm/userfarm/app"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// probe is a test that a test runs, with its output.
type probe struct {
	testing.TB // of the test that runs it
	ctx        context.Context
	name       string
	failed     bool
	output     strings.Builder
	cleanups   []func()
}

// fatal is what Fatalf panics with.
type fatal struct{}

// run runs test as the testing package does: its context ends before its cleanups.
func run(t *testing.T, test func(p *probe)) (p *probe) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	p = &probe{TB: t, ctx: ctx, name: "TestCheckout"}
	defer cancel()
	defer func() {
		cancel()
		for i := range p.cleanups {
			p.cleanups[len(p.cleanups)-1-i]()
		}
	}()
	defer func() {
		if cause := recover(); cause != nil && cause != (fatal{}) {
			panic(cause)
		}
	}()
	test(p)
	return p
}

func (p *probe) Context() context.Context       { return p.ctx }
func (p *probe) Name() string                   { return p.name }
func (p *probe) Failed() bool                   { return p.failed }
func (p *probe) Cleanup(f func())               { p.cleanups = append(p.cleanups, f) }
func (p *probe) Logf(format string, a ...any)   { fmt.Fprintf(&p.output, format+"\n", a...) }
func (p *probe) Errorf(format string, a ...any) { p.failed = true; p.Logf(format, a...) }
func (p *probe) Fatalf(format string, a ...any) { p.Errorf(format, a...); panic(fatal{}) }

// Deadline is that of a test process without one.
func (*probe) Deadline() (deadline time.Time, ok bool) { return time.Time{}, false }

// limited is a probe whose process ends at a time.
type limited struct {
	*probe
	ends time.Time
}

func (l limited) Deadline() (time.Time, bool) { return l.ends, true }

var (
	anyone = domain.Selector{}
	admin  = domain.Selector{Labels: domain.Labels{"role": "admin"}}
)

const password = "correct horse battery"

// newFarm returns a farm with an admin and a buyer.
func newFarm(t *testing.T) *app.Farm {
	t.Helper()
	farm, err := app.New(memory.New(), app.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	for _, role := range []string{"admin", "buyer"} {
		_, err := farm.CreateUser(t.Context(), domain.Spec{
			Login: role + "@example.com", Password: domain.NewSecret(password), Labels: domain.Labels{"role": role},
			Pool: domain.Pool{ProjectID: domain.ProjectID{1}, Env: "stage", Domain: "regular"},
		}, domain.IdempotencyKey{})
		if err != nil {
			t.Fatal(err)
		}
	}
	return farm
}

// free returns how many users are free.
func free(t *testing.T, farm ports.Farm) int {
	t.Helper()
	page, err := farm.Users(t.Context(), ports.Query{Status: domain.Free})
	if err != nil {
		t.Fatal(err)
	}
	return len(page.Users)
}

func TestATestHasItsUserUntilItEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		farm := newFarm(t)
		p := run(t, func(p *probe) {
			user := farmtest.User(p, farm, admin)
			if user.Login != "admin@example.com" || user.Password.Reveal() != password {
				t.Errorf("got the user %+v", user)
			}
			view, err := farm.User(t.Context(), user.ID)
			if err != nil || view.Lock == nil || view.Lock.Owner != "TestCheckout" {
				t.Errorf("the lock is %+v, %v", view.Lock, err)
			}
			time.Sleep(time.Hour) // far longer than the lease lasts
			p.Cleanup(func() {    // of the test, which logs out
				time.Sleep(time.Hour)
				if n := free(t, farm); n != 1 {
					t.Errorf("%d users are free while the test cleans up, want 1", n)
				}
			})
		})
		if n := free(t, farm); n != 2 || p.failed || p.output.Len() > 0 {
			t.Errorf("after the test, %d users are free; want 2. It failed: %v. It says:\n%s", n, p.failed, p.output.String())
		}
	})
}

func TestSeveralUsersAreAllDifferent(t *testing.T) {
	farm := newFarm(t)
	run(t, func(p *probe) {
		users := farmtest.Users(p, farm, anyone, admin)
		if len(users) != 2 || users[0].Login != "buyer@example.com" || users[1].Login != "admin@example.com" {
			t.Errorf("got the users %+v", users)
		}
	})
}

func TestAFailedTestSaysWhichUserItHad(t *testing.T) {
	farm := newFarm(t)
	p := run(t, func(p *probe) {
		farmtest.User(p, farm, admin)
		p.Errorf("the cart is not empty")
	})
	const want = "the cart is not empty\nfarmtest: the test had the user admin@example.com (stage, regular; fence 1)\n"
	if got := p.output.String(); got != want {
		t.Errorf("the test says\n%s\nwant\n%s", got, want)
	}
}

func TestATestWaitsForItsUser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		farm := newFarm(t)
		lease, err := farm.Acquire(t.Context(), []domain.Selector{admin}, domain.Terms{TTL: time.Hour}, domain.IdempotencyKey{})
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			time.Sleep(8 * time.Minute) // longer than a farm lets anybody wait at once
			if err := farm.Release(context.Background(), lease.ID); err != nil {
				t.Error(err)
			}
		}()
		if p := run(t, func(p *probe) { farmtest.User(p, farm, admin) }); p.failed {
			t.Error(p.output.String())
		}
	})
}

func TestATestThatGetsNoUserFailsBeforeItsProcessIsKilled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		farm := newFarm(t)
		if _, err := farm.Acquire(t.Context(), []domain.Selector{admin}, domain.Terms{TTL: time.Hour}, domain.IdempotencyKey{}); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		p := run(t, func(p *probe) { farmtest.User(limited{p, begin.Add(90 * time.Second)}, farm, admin) })
		if waited := time.Since(begin); !p.failed || waited != 80*time.Second {
			t.Errorf("after %v, the test says: %s", waited, p.output.String())
		}
		begin = time.Now()
		if p := run(t, func(p *probe) { farmtest.User(p, farm, admin) }); !p.failed || time.Since(begin) != 10*time.Minute {
			t.Errorf("without a limit of the process, after %v, the test says: %s", time.Since(begin), p.output.String())
		}
	})
}

func TestATestThatNoUserMatchesFailsAtOnce(t *testing.T) {
	farm := newFarm(t)
	p := run(t, func(p *probe) { farmtest.User(p, farm, domain.Selector{Env: "stag"}) })
	if got := p.output.String(); !p.failed || !strings.HasPrefix(got, "farmtest: no user for the test: no user matches") {
		t.Errorf("the test says: %s", got)
	}
}

func TestATestThatLosesItsUserFails(t *testing.T) {
	farm := newFarm(t)
	p := run(t, func(p *probe) {
		if _, err := farm.ForceRelease(t.Context(), farmtest.User(p, farm, admin).ID, 0, ""); err != nil {
			t.Fatal(err)
		}
	})
	got := p.output.String()
	if !p.failed || !strings.Contains(got, "another test may have used the users") || !strings.Contains(got, "had the user admin@example.com") {
		t.Errorf("the test says: %s", got)
	}
}

// unreleased is a farm that is away when a test ends.
type unreleased struct{ ports.Leases }

func (unreleased) Release(context.Context, domain.LeaseID, ...domain.Fault) error {
	return ports.ErrUnavailable
}

func TestATestDoesNotFailIfItsUserIsReleasedLate(t *testing.T) {
	p := run(t, func(p *probe) { farmtest.User(p, unreleased{newFarm(t)}, admin) })
	const want = "farmtest: the users are free again after 1m0s at the latest: store unavailable\n"
	if got := p.output.String(); p.failed || got != want {
		t.Errorf("the test failed: %v. It says: %s", p.failed, got)
	}
}

func TestTheOwnerOfALongNameIsItsBeginning(t *testing.T) {
	farm := newFarm(t)
	run(t, func(p *probe) {
		p.name = strings.Repeat("é", 300)
		view, err := farm.User(t.Context(), farmtest.User(p, farm, admin).ID)
		if err != nil || view.Lock == nil || view.Lock.Owner != strings.Repeat("é", 255) {
			t.Errorf("the lock is %+v, %v", view.Lock, err)
		}
	})
}
