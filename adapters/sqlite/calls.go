package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/ledger"
)

const (
	findCall = `SELECT request, outcome FROM calls WHERE key = ? AND called_at >= ?`
	addCall  = `INSERT OR REPLACE INTO calls (key, request, outcome, called_at) VALUES (?, ?, ?, ?)`
)

// Calls implements [bunstore.Transaction]. None of them is busy: no other transaction writes.
func (tx *transaction) Calls(
	_ context.Context, keys []ledger.CallKey, _ bool,
) (calls []domain.Once, busy map[ledger.CallKey]struct{}, err error) {
	for _, key := range keys {
		call := domain.Once{Key: key}
		var request, outcome []byte
		row := tx.statement(findCall).QueryRowContext(tx.ctx, key[:], tx.now-domain.IdempotencyWindow.Microseconds())
		switch err := row.Scan(&request, &outcome); {
		case errors.Is(err, sql.ErrNoRows):
			continue
		case err != nil:
			return nil, nil, err
		}
		copy(call.Request[:], request)
		copy(call.Outcome[:], outcome)
		calls = append(calls, call)
	}
	return calls, nil, nil
}

func (tx *transaction) addCalls(calls []domain.Once) error {
	for _, c := range calls {
		if _, err := tx.exec(addCall, c.Key[:], c.Request[:], c.Outcome[:], tx.now); err != nil {
			return err
		}
	}
	return nil
}
