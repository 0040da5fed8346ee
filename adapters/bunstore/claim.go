package bunstore

import (
	"context"
	"errors"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/ledger"
	"github.com/userfarm/userfarm/ports"
)

// Claim implements [ports.Users]: it tries at once, and stands in line if it has to.
func (s *Store) Claim(ctx context.Context, c ports.Claim) ([]*domain.User, error) {
	came := time.Now()
	if s.refused.lately(c) {
		if err := s.lookTogether(ctx, c.Want); isRefusal(err) {
			s.refused.note(c.Want, err)
			return nil, err
		}
	}
	claim := &ledger.Claim{Want: c.Want, Once: c.Once, Decide: c.Decide, Asker: c.Asker}
	err := refuse(ledger.ErrAwaited)
	if c.Wait <= 0 || !s.mirror.hasAlike(c.Want) || ctx.Err() != nil {
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
		s.refused.note(c.Want, err)
		return nil, err
	}
	return claim.Users, nil
}
