package app

import (
	"context"
	"errors"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// Acquire implements [ports.Leases].
func (f *Farm) Acquire(
	ctx context.Context, want []domain.Selector, terms domain.Terms, key domain.IdempotencyKey,
) (domain.Lease, error) {
	granted, err := f.settings.Leases.Apply(want, terms)
	if err != nil {
		return domain.Lease{}, err
	}
	narrowed, err := f.narrow(want)
	if err != nil {
		return domain.Lease{}, err
	}
	key = key.Of(f.caller)
	id, once := key.NewLease(acquireRequest(want, terms))
	var lease domain.Lease
	claim := ports.Claim{
		Want: narrowed, Wait: terms.Wait, Once: once, Asker: domain.Asker{Owner: terms.Owner, Note: terms.Note, Key: f.caller.Key},
	}
	claim.Decide = f.asCaller(domain.ErrUserNotFound, func(now time.Time, users []*domain.User) (err error) {
		lease, err = domain.Grant(now, id, granted, users)
		return err
	})
	_, err = f.store.Claim(ctx, claim)
	if repeated, ok := errors.AsType[*domain.RepeatedError](err); ok {
		return f.Lease(ctx, key.LeaseID(repeated.Outcome))
	}
	if err != nil {
		return domain.Lease{}, f.explain(ctx, want, err) // without a lease that was granted but not written
	}
	return lease, nil
}

// Lease implements [ports.Leases].
func (f *Farm) Lease(ctx context.Context, id domain.LeaseID) (domain.Lease, error) {
	users, now, err := f.find(ctx, ports.ByLease(id.Digest()))
	if err != nil {
		return domain.Lease{}, err
	}
	return domain.ReadLease(now, id, users)
}

// Renew implements [ports.Leases].
func (f *Farm) Renew(ctx context.Context, id domain.LeaseID, ttl time.Duration) (domain.Lease, error) {
	ttl, err := f.settings.Leases.TTL(ttl)
	if err != nil {
		return domain.Lease{}, err
	}
	var lease domain.Lease
	err = f.update(ctx, ports.ByLease(id.Digest()), func(now time.Time, users []*domain.User) (err error) {
		lease, err = domain.Renew(now, id, ttl, users)
		return err
	})
	if err != nil {
		return domain.Lease{}, err
	}
	return lease, nil
}

// Release implements [ports.Leases].
func (f *Farm) Release(ctx context.Context, id domain.LeaseID, faults ...domain.Fault) error {
	err := f.update(ctx, ports.ByLease(id.Digest()), func(now time.Time, users []*domain.User) error {
		return domain.Release(now, id, users, faults...)
	})
	switch {
	case err == nil:
		f.endings.tell(id.Digest())
	case len(faults) > 0 && errors.Is(err, domain.ErrLeaseExpired):
		return f.reportLate(ctx, id, faults)
	}
	return err
}
