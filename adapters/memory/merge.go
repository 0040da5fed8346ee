package memory

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/ledger"
	"github.com/userfarm/userfarm/ports"
)

// LookUp implements [ports.Merger].
func (s *Store) LookUp(ctx context.Context, in ports.ImportPlace, identities []domain.Identity) ([]ports.Sighting, error) {
	if _, err := s.begin(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	rows := s.rowsElsewhere(in, len(identities))
	seen := make([]ports.Sighting, len(identities))
	for i, identity := range identities {
		if identity == (domain.Identity{}) {
			continue
		}
		account := s.account(identity)
		if u, found := s.users.get(s.logins[account]); found {
			seen[i].User = u.Clone()
		}
		seen[i].Twin = rows[account]
		if rows[account] == 0 {
			rows[account] = max(in.FirstRow, 1) + i
		}
	}
	return seen, nil
}

// Merge implements [ports.Merger].
func (s *Store) Merge(ctx context.Context, merge ports.Merge) error {
	for {
		ids, err := s.idsOf(ctx, merge.Identities)
		if err != nil {
			return err
		}
		operation := &ledger.Merge{Once: merge.Once}
		at := make([]int, 0, len(ids)) // of each user of the operation among the identities
		for i, id := range ids {
			if !id.IsZero() {
				operation.Users, at = append(operation.Users, id), append(at, i)
			}
		}
		operation.Decide = func(now time.Time, users []*domain.User) ([]*domain.User, [16]byte, error) {
			all := make([]*domain.User, len(ids))
			for i, u := range users {
				all[at[i]] = u
			}
			return merge.Decide(now, all)
		}
		err = s.apply(ctx, operation)
		if errors.Is(err, ledger.ErrNotLoaded) || errors.Is(err, domain.ErrUserExists) {
			continue // a user was added or removed since
		}
		if err != nil {
			return fmt.Errorf("memory: merge: %w", err)
		}
		return nil
	}
}

// idsOf returns the ids of the users that have identities; zero for those that nobody has.
func (s *Store) idsOf(ctx context.Context, identities []domain.Identity) ([]domain.UserID, error) {
	if _, err := s.begin(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	ids := make([]domain.UserID, len(identities))
	for i, identity := range identities {
		ids[i] = s.logins[s.account(identity)]
	}
	return ids, nil
}
