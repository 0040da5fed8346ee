package bunstore

import (
	"context"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/ledger"
)

// nobody is the id of no user.
var nobody = []domain.UserID{{}}

// Ping implements [ports.Health]. It takes the way of operations that write, because a store that only answers to reads can't do its
// work. Calls at the same time share one answer, so that many of them cost no more than one.
func (s *Store) Ping(ctx context.Context) error {
	answer := s.pings.DoChan("", func() (any, error) { return nil, s.tryToWrite(context.WithoutCancel(ctx)) })
	select {
	case ping := <-answer:
		return ping.Err
	case <-ctx.Done():
		return s.explain(ctx, ctx, "ping", ctx.Err())
	}
}

// tryToWrite begins a transaction that locks rows, as those that write do, and rolls it back.
func (s *Store) tryToWrite(ctx context.Context) error {
	return s.bounded(ctx, "ping", func(ctx context.Context) error {
		return s.retry(ctx, func() (bool, error) {
			tx, _, _, err := s.begin(ctx, Ask{Needs: ledger.Needs{Users: nobody}})
			if err != nil {
				return false, err
			}
			tx.Rollback()
			return false, s.lookForSpace(ctx)
		})
	})
}

// lookForSpace returns an error as long as the disk is full: if it was at the start, or if an operation found that it is. What needs no
// new space may succeed all the same, so that only a look tells when there is space again. A look that fails for another reason, such as a limit on temporary
// files, tells nothing: the next operation that needs space will.
func (s *Store) lookForSpace(ctx context.Context) error {
	if !s.full.Load() {
		return nil
	}
	err := s.checkSpace(ctx)
	s.full.Store(err != nil && s.dialect.Cause(err) == Full)
	return err
}
