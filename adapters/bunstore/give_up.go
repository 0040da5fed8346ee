package bunstore

import (
	"context"

	"github.com/userfarm/userfarm/domain/ledger"
)

// giveUp ends the wait of claims that left the line and have not asked again in time.
func giveUp(ctx context.Context, tx Transaction, l *ledger.Ledger, late []Waiter) error {
	var calls []ledger.CallKey
	gone := make([]ledger.Waiter, len(late))
	for i, w := range late {
		gone[i] = w.inLedger()
		if !w.Call.IsZero() {
			calls = append(calls, w.Call.Key())
		}
	}
	if err := loadCalls(ctx, tx, l, calls, false); err != nil {
		return err
	}
	l.GiveUp(gone...)
	return nil
}

// forgetPlaces is giveUp while no pass does it: nobody may be in line.
func (s *Store) forgetPlaces(ctx context.Context) error {
	return s.bounded(ctx, "forget places in line", func(ctx context.Context) error {
		return s.retry(ctx, func() (bool, error) {
			tx, l, found, err := s.begin(ctx, Ask{Turn: true, Late: true})
			if err != nil {
				return false, err
			}
			defer tx.Rollback()
			if err := giveUp(ctx, tx, l, found.Late); err != nil {
				return false, err
			}
			_, committing, err := s.commit(ctx, tx, l.Changes(), served{}, true)
			return committing, err
		})
	})
}
