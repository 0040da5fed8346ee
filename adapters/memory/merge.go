package memory

import (
	"context"
	"errors"
	"fmt"

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

// UserIDs implements [ports.Merger].
func (s *Store) UserIDs(ctx context.Context, identities []domain.Identity) ([]domain.UserID, error) {
	if _, err := s.begin(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	ids := make([]domain.UserID, len(identities))
	for i, identity := range identities {
		if identity != (domain.Identity{}) {
			ids[i] = s.logins[s.account(identity)]
		}
	}
	return ids, nil
}

// Merge implements [ports.Merger].
func (s *Store) Merge(ctx context.Context, merge ports.Merge) error {
	err := s.apply(ctx, &ledger.Merge{Users: merge.Users, Once: merge.Once, Decide: merge.Decide})
	if errors.Is(err, ledger.ErrNotLoaded) {
		err = domain.ErrUserNotFound
	}
	if err != nil {
		return fmt.Errorf("memory: merge: %w", err)
	}
	return nil
}
