package client

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// ErrLeaseLost is the cause of the context of [Hold] when the lease is over, or soon will be because it can't be renewed. The cause
// also has the error of the renewal.
var ErrLeaseLost = errors.New("the lease is lost: stop using its users")

// Holding is a lease that is kept alive; see [Hold].
type Holding struct {
	leases  ports.Leases
	id      domain.LeaseID
	end     context.CancelCauseFunc // of the context of the holder
	stop    context.CancelFunc      // ends the renewals
	stopped chan struct{}           // closed when they have ended

	mu       sync.Mutex
	released bool
}

// Hold keeps a lease alive until it is released or ctx ends. The lease must be one that was just acquired: its time to live is the
// time from its beginning to its end. It is renewed each time a third of that has passed.
//
// The returned context ends when the lease is lost, with the cause [ErrLeaseLost], when it is released, and when ctx ends. The holder
// must stop using the users then. It must call [Holding.Release] in any case.
func Hold(ctx context.Context, leases ports.Leases, lease domain.Lease) (context.Context, *Holding) {
	return HoldStopping(ctx, leases, lease, 0)
}

// HoldStopping is [Hold] for a holder that needs some time to stop: a lease that can't be renewed counts as lost so much earlier, but by
// a third of its time to live at most.
func HoldStopping(
	ctx context.Context, leases ports.Leases, lease domain.Lease, stopping time.Duration,
) (context.Context, *Holding) {
	held, end := context.WithCancelCause(ctx)
	renewing, stop := context.WithCancel(ctx)
	h := &Holding{leases: leases, id: lease.ID, end: end, stop: stop, stopped: make(chan struct{})}
	go func() {
		defer close(h.stopped)
		ttl := lease.ExpiresAt.Sub(lease.AcquiredAt)
		if err := h.renew(renewing, ttl, ttl-ttl/10-min(stopping, ttl/3)); err != nil {
			end(fmt.Errorf("%w: %w", ErrLeaseLost, err))
		}
	}()
	return held, h
}

// Release ends the lease, and puts the users that faults name into quarantine. It returns the errors of [ports.Leases.Release]. After
// an error it may be called again. ctx must not be the one of a test, which has ended when the test cleans up.
func (h *Holding) Release(ctx context.Context, faults ...domain.Fault) error {
	h.end(context.Canceled)
	h.stop()
	<-h.stopped
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.released {
		return nil
	}
	err := h.leases.Release(ctx, h.id, faults...)
	h.released = err == nil
	return err
}

// renew renews the lease until ctx ends, or returns the error because of which it is lost. The holder may use the users for the time
// usable after a renewal. Only the time that passes here counts, not the clocks of the farm.
func (h *Holding) renew(ctx context.Context, ttl, usable time.Duration) error {
	renewed := time.Now()
	for sleep(ctx, time.Until(renewed.Add(ttl/3))) {
		began, err := h.renewUntil(ctx, ttl, renewed.Add(usable))
		if err != nil || ctx.Err() != nil {
			return err
		}
		renewed = began
	}
	return nil
}

// renewUntil tries to renew the lease until a time. It returns when the renewal began that succeeded, or the error because of which the
// lease is lost; nil if ctx ended.
func (h *Holding) renewUntil(ctx context.Context, ttl time.Duration, until time.Time) (began time.Time, err error) {
	bounded, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	for {
		began = time.Now()
		_, err = h.leases.Renew(bounded, h.id, ttl)
		switch {
		case err == nil:
			return began, nil
		case errors.Is(err, domain.ErrLeaseExpired), errors.Is(err, domain.ErrLeaseNotFound):
			return began, err
		case ctx.Err() != nil:
			return began, nil
		}
		if !sleep(bounded, ttl/30) {
			if ctx.Err() != nil {
				return began, nil
			}
			return began, err
		}
	}
}
