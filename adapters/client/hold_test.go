package client_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/userfarm/userfarm/adapters/client"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

func TestHoldKeepsALeaseAliveUntilItsRelease(t *testing.T) {
	inBubble(t, func(t *testing.T, n *network) {
		farm, _ := newFarm(t)
		defer n.serve(t, farm)()
		c := n.connect(t)
		defer c.CloseIdleConnections()
		ann := create(t, farm, "ann")
		held, holding := client.Hold(t.Context(), c, acquire(t, c))
		time.Sleep(10*ttl + time.Second)
		if held.Err() != nil {
			t.Fatalf("the lease is lost: %v", context.Cause(held))
		}
		if err := holding.Release(t.Context(), domain.Fault{UserID: ann.ID, Reason: "cart is not empty"}); err != nil {
			t.Fatal(err)
		}
		if context.Cause(held) != context.Canceled { //nolint:errorlint // exactly
			t.Errorf("after the release, the context has ended with %v", context.Cause(held))
		}
		if view, err := farm.User(t.Context(), ann.ID); err != nil || view.Status != domain.Quarantined {
			t.Errorf("the user is %s, %v", view.Status, err)
		}
		if err := holding.Release(t.Context()); err != nil {
			t.Errorf("a second release: %v", err)
		}
		renewals, err := farm.Events(t.Context(), ports.EventQuery{Kinds: []domain.EventKind{domain.UserRenewed}})
		if err != nil || len(renewals.Events) != 30 {
			t.Fatalf("the lease was renewed %d times, %v; want 30: whenever a third of its time to live had passed", len(renewals.Events), err)
		}
	})
}

func TestHoldLeavesNothingBehind(t *testing.T) {
	farm, _ := newFarm(t)
	c := connect(t, serve(t, farm).address)
	create(t, farm, "ann")
	before := append(ofServers, goleak.IgnoreCurrent(), goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).workerFunc"))
	for range 3 {
		_, holding := client.Hold(t.Context(), c, acquire(t, c))
		if err := holding.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, _ = client.Hold(ctx, c, acquire(t, c))
	cancel() // the lease expires on its own
	c.CloseIdleConnections()
	goleak.VerifyNone(t, before...)
}

func TestALostLeaseEndsTheContextOfItsHolder(t *testing.T) {
	inBubble(t, func(t *testing.T, n *network) {
		farm, _ := newFarm(t)
		defer n.serve(t, farm)()
		c := n.connect(t)
		defer c.CloseIdleConnections()
		ann := create(t, farm, "ann")
		held, holding := client.Hold(t.Context(), c, acquire(t, c))
		if _, err := farm.ForceRelease(t.Context(), ann.ID, 0, "the runner is gone"); err != nil {
			t.Fatal(err)
		}
		<-held.Done()
		cause := context.Cause(held)
		ended, ok := errors.AsType[*domain.EndedLeaseError](cause)
		if !ok || ended.End != domain.LeaseForced || !errors.Is(cause, client.ErrLeaseLost) {
			t.Errorf("the context has ended because of %v", cause)
		}
		err := holding.Release(t.Context(), domain.Fault{UserID: ann.ID, Reason: "cart is not empty"})
		kept := []domain.LateFault{{UserID: ann.ID, Kept: true}}
		if ended, ok := errors.AsType[*domain.EndedLeaseError](err); !ok || !slices.Equal(ended.Faults, kept) {
			t.Errorf("release of the lost lease: %v", err)
		}
	})
}

// leases is a farm whose renewals fail as a test tells it.
type leases struct {
	ports.Leases // nil
	renew        func(ctx context.Context) error
	begin        time.Time

	mu       sync.Mutex
	renewals []time.Duration // since begin
}

func newLeases(renew func(context.Context) error) *leases {
	return &leases{renew: renew, begin: time.Now()}
}

func (l *leases) Renew(ctx context.Context, _ domain.LeaseID, _ time.Duration) (domain.Lease, error) {
	l.mu.Lock()
	l.renewals = append(l.renewals, time.Since(l.begin))
	l.mu.Unlock()
	return domain.Lease{}, l.renew(ctx)
}

func (l *leases) Release(context.Context, domain.LeaseID, ...domain.Fault) error { return nil }

// lease is one of the time to live.
func lease() domain.Lease { return domain.Lease{AcquiredAt: at, ExpiresAt: at.Add(ttl)} }

func TestARenewalThatFailsIsRepeatedUntilTheLeaseIsNearlyOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLeases(func(context.Context) error { return ports.ErrUnavailable })
		held, holding := client.Hold(t.Context(), l, lease())
		<-held.Done()
		if since := time.Since(l.begin); since != ttl-ttl/10 {
			t.Errorf("the lease of %v was lost after %v, want a tenth earlier", ttl, since)
		}
		if cause := context.Cause(held); !errors.Is(cause, client.ErrLeaseLost) || !errors.Is(cause, ports.ErrUnavailable) {
			t.Errorf("the context has ended because of %v", cause)
		}
		if l.renewals[0] != ttl/3 || l.renewals[1] != ttl/3+ttl/30 {
			t.Errorf("the renewals came after %v", l.renewals)
		}
		if err := holding.Release(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// Another test may get the users when the lease is over. A holder that needs some time to stop must know so much earlier.
func TestAHolderThatNeedsTimeToStopHasIt(t *testing.T) {
	for stopping, want := range map[time.Duration]time.Duration{0: 0, ttl / 5: ttl / 5, ttl: ttl / 3} {
		synctest.Test(t, func(t *testing.T) {
			l := newLeases(func(context.Context) error { return ports.ErrUnavailable })
			held, holding := client.HoldStopping(t.Context(), l, lease(), stopping)
			<-held.Done()
			if left := ttl - time.Since(l.begin); left != ttl/10+want {
				t.Errorf("a holder that needs %v to stop has %v, of which %v are its own", stopping, left, ttl/10)
			}
			if err := holding.Release(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestARenewalThatHangsIsGivenUpBeforeTheLeaseIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLeases(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		held, holding := client.Hold(t.Context(), l, lease())
		<-held.Done()
		if since := time.Since(l.begin); since != ttl-ttl/10 || !errors.Is(context.Cause(held), client.ErrLeaseLost) {
			t.Errorf("after %v, the context has ended because of %v", since, context.Cause(held))
		}
		if err := holding.Release(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestHoldSurvivesFailuresThatPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l *leases
		l = newLeases(func(context.Context) error {
			if time.Since(l.begin) < ttl/2 {
				return ports.ErrUnavailable
			}
			return nil
		})
		held, holding := client.Hold(t.Context(), l, lease())
		time.Sleep(10 * ttl)
		if held.Err() != nil {
			t.Errorf("the lease is lost: %v", context.Cause(held))
		}
		if err := holding.Release(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestHoldEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLeases(func(context.Context) error { return nil })
		ctx, cancel := context.WithCancelCause(t.Context())
		held, _ := client.Hold(ctx, l, lease())
		stopped := errors.New("ctrl-C")
		cancel(stopped)
		<-held.Done()
		if !errors.Is(context.Cause(held), stopped) {
			t.Errorf("the context has ended because of %v", context.Cause(held))
		}
		time.Sleep(10 * ttl)
		if len(l.renewals) != 0 {
			t.Error("the lease was renewed after the end of the context")
		}
	})
}

func TestReleaseEndsARenewalThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLeases(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		held, holding := client.Hold(t.Context(), l, lease())
		time.Sleep(ttl / 2)
		if err := holding.Release(t.Context()); err != nil {
			t.Error(err)
		}
		if since := time.Since(l.begin); since != ttl/2 || errors.Is(context.Cause(held), client.ErrLeaseLost) {
			t.Errorf("after %v, the context has ended because of %v", since, context.Cause(held))
		}
	})
}
