package bunstore

import (
	"context"
	"database/sql"
	"time"

	"github.com/uptrace/bun"

	"github.com/userfarm/userfarm/domain"
)

// changeAside changes what is no user and no lease, in a transaction of its own, at a time of the store's clock. It records the events
// that change returns. change must hold the rows that they are about, so that they are in the order of the changes.
func (s *Store) changeAside(
	ctx context.Context, operation string, change func(ctx context.Context, tx bun.Tx, now time.Time) ([]domain.Event, error),
) error {
	var now time.Time
	var events []domain.Event
	err := s.bounded(ctx, operation, func(ctx context.Context) error {
		return s.retry(ctx, func() (committing bool, err error) {
			err = s.writer.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) (err error) {
				if now, err = s.clock(ctx, tx); err != nil {
					return err
				}
				if events, err = change(ctx, tx, now); err != nil {
					return err
				}
				if len(events) > 0 {
					err = s.dialect.AddEvents(ctx, tx.Tx, micros(now), events)
				}
				committing = err == nil
				return err
			})
			return committing, err
		})
	})
	if err == nil {
		s.recorded(now, events)
	}
	return err
}

// recorded tells the observers of events that were committed with a time.
func (s *Store) recorded(at time.Time, events []domain.Event) {
	for i := range events {
		events[i].At = at // as it is in the database
	}
	s.observers.Recorded(events)
}

// wroteRow reports whether a statement wrote a row.
func wroteRow(result sql.Result, err error) (bool, error) {
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n > 0, err
}
