package bunstore

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/ledger"
	"github.com/userfarm/userfarm/ports"
)

// Claim implements [ports.Users]: it tries at once, and stands in line if it has to.
func (s *Store) Claim(ctx context.Context, c ports.Claim) ([]*domain.User, error) {
	came := time.Now()
	claim := &ledger.Claim{Want: c.Want, Once: c.Once, Decide: c.Decide}
	err := refuse(ledger.ErrAwaited)
	if !s.recent.overlap(c.Want) || ctx.Err() != nil {
		err = s.bounded(ctx, "claim", func(ctx context.Context) error { return s.run(ctx, claim, len(c.Want)) })
	}
	awaited := errors.Is(err, ledger.ErrAwaited)
	switch {
	case awaited:
		err = s.waitInLine(ctx, newWaitingClaim(claim, came, c.Wait, nil))
	case c.Wait > 0 && domain.MayPass(err):
		err = s.waitInLine(ctx, newWaitingClaim(claim, came, c.Wait, err))
	}
	if err != nil {
		return nil, err
	}
	return claim.Users, nil
}

// wantsAge is for how long wants that were seen in line are taken to be there still.
const wantsAge = 100 * time.Millisecond

// recentWants are what claims in line were lately seen to want. A claim that wants the same goes straight to the end of the
// line: if it tried first, it would hold users for a moment, and hide them from the claims ahead of it.
type recentWants struct {
	mu    sync.Mutex
	wants [][]domain.Selector
	seen  time.Time
}

func (r *recentWants) see(wants [][]domain.Selector) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wants, r.seen = wants, time.Now()
}

func (r *recentWants) overlap(want []domain.Selector) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return time.Since(r.seen) < wantsAge && ledger.Awaited(want, r.wants)
}
