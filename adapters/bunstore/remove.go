package bunstore

import (
	"context"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// Remove implements [ports.Users]. It goes alone; see [Engine] for why.
func (s *Store) Remove(ctx context.Context, id domain.UserID, decide ports.Decide) error {
	target := ports.ByUser(id)
	return s.bounded(ctx, "remove", func(ctx context.Context) error {
		return s.orWhy(ctx, target, s.alone(ctx, &removal{target: target, deciding: decide}))
	})
}

// removal is the operation of [Store.Remove].
type removal struct {
	forthright
	target   ports.Target
	deciding ports.Decide
}

func (m *removal) ask(ask *Ask) { ask.target(m.target) }

func (m *removal) decide(r *round) error {
	targets := r.targets(m.target)
	if len(targets) == 0 {
		return errNotKept
	}
	users, err := r.tryOut(targets, m.deciding) // also whose secrets can't be read
	if err != nil {
		return err
	}
	r.events = append(r.events, eventsOf(users...)...)
	r.remove(targets[0])
	return nil
}
