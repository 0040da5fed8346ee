package metrics

import (
	"context"
	"errors"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// Gate returns a gate that is inner, and counts the acquires that are refused at once: the history does not have them.
func (m *Metrics) Gate(inner ports.Gate) ports.Gate { return gate{inner, m} }

type gate struct {
	ports.Gate
	metrics *Metrics
}

// Enter implements [ports.Gate].
func (g gate) Enter(ctx context.Context, token domain.Token) (domain.Caller, ports.Farm, error) {
	caller, inner, err := g.Gate.Enter(ctx, token)
	if err != nil {
		return caller, inner, err
	}
	return caller, farm{inner, g.metrics}, nil
}

type farm struct {
	ports.Farm
	metrics *Metrics
}

// Acquire implements [ports.Leases].
func (f farm) Acquire(
	ctx context.Context, want []domain.Selector, terms domain.Terms, key domain.IdempotencyKey,
) (domain.Lease, error) {
	lease, err := f.Farm.Acquire(ctx, want, terms, key)
	if err != nil && isRefusedAtOnce(err, terms) {
		f.metrics.refuse(want)
	}
	return lease, err
}

// isRefusedAtOnce reports whether an acquire got no users, and never stood in line for them: what does that is an event when it gives up.
func isRefusedAtOnce(err error, terms domain.Terms) bool {
	return errors.Is(err, domain.ErrNoMatch) || errors.Is(err, domain.ErrUserNotFound) || terms.Wait <= 0 && domain.MayPass(err)
}

// refuse counts a refusal in the pool of the first user that was wanted.
func (m *Metrics) refuse(want []domain.Selector) {
	var pool domain.Pool
	if len(want) > 0 {
		pool, _ = want[0].Pool()
	}
	m.waits.of(waitKey{m.pools.ofWant(pool), refused}).Observe(0)
}
