package app

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// sleep returns nil after d, or the error of ctx as soon as that ends.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// recheckLease is how soon a call that waits while it holds a lease notices that another process ended the lease.
const recheckLease = time.Second

// sleepHeld returns nil after d, or an error of [ports.Leases.Lease] as soon as the lease is over. It sleeps on while the
// store is away: what its caller does next fails then, if the store is still away.
func (f *Farm) sleepHeld(ctx context.Context, id domain.LeaseID, d time.Duration) error {
	ended, ignore := f.endings.watch(id.Digest())
	defer ignore()
	for until := time.Now().Add(d); ; {
		expiry, err := f.timeLeft(ctx, id)
		if err != nil && !errors.Is(err, ports.ErrUnavailable) {
			return err
		}
		left := time.Until(until)
		if left <= 0 {
			return nil
		}
		nap, wake := context.WithTimeout(ctx, min(left, expiry))
		select {
		case <-nap.Done():
		case <-ended:
			ended = nil // the next round sees that, or sleeps if the store is away
		}
		wake()
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// timeLeft returns when to look at the lease again: when it expires, but at the latest after [recheckLease].
func (f *Farm) timeLeft(ctx context.Context, id domain.LeaseID) (time.Duration, error) {
	users, now, err := f.find(ctx, ports.ByLease(id.Digest()))
	if err != nil {
		return recheckLease, err
	}
	lease, err := domain.ReadLease(now, id, users)
	return min(recheckLease, lease.ExpiresAt.Sub(now)), err
}

// endings tells the calls of this process that wait while they hold a lease when this process ends it.
type endings struct {
	mu      sync.Mutex
	waiting map[domain.LeaseDigest][]chan struct{}
}

func newEndings() *endings { return &endings{waiting: make(map[domain.LeaseDigest][]chan struct{})} }

// watch returns a channel that is closed when the lease ends. ignore must be called when nobody waits for that anymore.
func (e *endings) watch(lease domain.LeaseDigest) (ended <-chan struct{}, ignore func()) {
	mine := make(chan struct{})
	e.mu.Lock()
	defer e.mu.Unlock()
	e.waiting[lease] = append(e.waiting[lease], mine)
	return mine, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.waiting[lease] = slices.DeleteFunc(e.waiting[lease], func(other chan struct{}) bool { return other == mine })
		if len(e.waiting[lease]) == 0 {
			delete(e.waiting, lease)
		}
	}
}

// tell says that the lease has ended.
func (e *endings) tell(lease domain.LeaseDigest) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, ended := range e.waiting[lease] {
		close(ended)
	}
	delete(e.waiting, lease)
}
