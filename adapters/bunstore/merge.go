package bunstore

import (
	"context"
	"errors"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/ledger"
	"github.com/userfarm/userfarm/ports"
)

// Merge implements [ports.Merger]. It looks for the users first, and begins anew if one was added or removed meanwhile.
func (s *Store) Merge(ctx context.Context, merge ports.Merge) error {
	return s.bounded(ctx, "merge", func(ctx context.Context) error {
		for {
			operation, err := s.merging(ctx, merge)
			if err != nil {
				return err
			}
			err = s.runQuick(ctx, operation)
			changed := errors.Is(err, ledger.ErrNotLoaded) || errors.Is(err, domain.ErrUserExists)
			if !changed || ctx.Err() != nil {
				return err
			}
		}
	})
}

// merging returns the operation of a merge, for the users that there are now.
func (s *Store) merging(ctx context.Context, merge ports.Merge) (*ledger.Merge, error) {
	ids, err := s.idsOf(ctx, merge.Identities)
	if err != nil {
		return nil, err
	}
	operation := &ledger.Merge{Once: merge.Once}
	at := make([]int, 0, len(ids)) // of each user of the operation among the identities
	for i, id := range ids {
		if !id.IsZero() {
			operation.Users, at = append(operation.Users, id), append(at, i)
		}
	}
	operation.Decide = func(now time.Time, users []*domain.User) ([]*domain.User, [16]byte, error) {
		all := make([]*domain.User, len(merge.Identities))
		for i, u := range users {
			all[at[i]] = u
		}
		return merge.Decide(now, all)
	}
	return operation, nil
}
