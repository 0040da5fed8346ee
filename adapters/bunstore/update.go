package bunstore

import (
	"context"
	"errors"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// errNotKept says that a target is not among what the transaction keeps: it is not there, or, in a group, a rival keeps it.
var errNotKept = refuse(errors.New("the target is not there, or a rival keeps it"))

// Update implements [ports.Users].
func (s *Store) Update(ctx context.Context, target ports.Target, decide ports.Decide) ([]*domain.User, error) {
	update := &update{target: target, deciding: decide}
	err := s.bounded(ctx, "update", func(ctx context.Context) error {
		err := s.queue.do(ctx, update)
		if errors.Is(err, errNotKept) {
			err = s.alone(ctx, update)
		}
		return s.orWhy(ctx, target, err)
	})
	if err != nil {
		return nil, err
	}
	return update.users, nil
}

// update is the operation of [Store.Update].
type update struct {
	forthright
	target   ports.Target
	deciding ports.Decide

	users []*domain.User // what became of them
}

func (u *update) ask(ask *Ask) { ask.target(u.target) }

func (u *update) decide(r *round) error {
	targets := r.targets(u.target)
	if len(targets) == 0 {
		return errNotKept
	}
	users, err := r.decide(targets, u.deciding)
	u.users = users
	return err
}

// target asks for users that are named.
func (a *Ask) target(target ports.Target) {
	if lease, leased := target.Lease(); leased {
		a.Leases = append(a.Leases, lease)
	} else {
		id, _ := target.User()
		a.Users = append(a.Users, id)
	}
}

// targets returns the entries of a target.
func (r *round) targets(target ports.Target) []*entry {
	if lease, leased := target.Lease(); leased {
		return r.under(lease)
	}
	id, _ := target.User()
	return r.named(id)
}

// orWhy replaces errNotKept, of a transaction that waited for its rows, by the reason why the target is not there.
func (s *Store) orWhy(ctx context.Context, target ports.Target, err error) error {
	if !errors.Is(err, errNotKept) {
		return err
	}
	return s.retry(ctx, func() (bool, error) { return false, s.whyNobody(ctx, s.reader, target) })
}
