package bunstore

import (
	"context"
	"errors"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/ledger"
	"github.com/userfarm/userfarm/ports"
)

// Merge implements [ports.Merger].
func (s *Store) Merge(ctx context.Context, merge ports.Merge) error {
	return s.bounded(ctx, "merge", func(ctx context.Context) error {
		err := s.runQuick(ctx, &ledger.Merge{Users: merge.Users, Once: merge.Once, Decide: merge.Decide})
		if errors.Is(err, ledger.ErrNotLoaded) {
			return refuse(domain.ErrUserNotFound)
		}
		return err
	})
}
