package bunstore

import (
	"context"
	"database/sql"
	"errors"

	"github.com/uptrace/bun"

	"github.com/userfarm/userfarm/ports"
)

// walkLength is how many events one page examines if no index finds those that match. An index for each field would find them
// sooner, but every acquire and every release would have to write to it.
const walkLength = 50_000

// walks reports whether a search examines events that do not match. The indexes find the events of a user or of its login, of an owner and of
// rare kinds, and those of a project in order.
func walks(q ports.EventQuery) bool {
	indexed := isOfFew(q) || q.Owner != ""
	return !indexed && (q.Env != "" || q.Domain != "" || len(q.Kinds) > 0)
}

// endOfWalk returns the last event that a page may examine; 0 if it may examine all.
func (s *Store) endOfWalk(ctx context.Context, db bun.IDB, q ports.EventQuery) (last ports.EventID, err error) {
	err = s.eventsInOrder(db, q).ColumnExpr("e.event_id").Offset(walkLength-1).Limit(1).Scan(ctx, &last)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return last, err
}

// upTo is the condition for the events of a page up to one of them.
func upTo(q ports.EventQuery) string {
	if q.NewestFirst {
		return "e.event_id >= ?"
	}
	return "e.event_id <= ?"
}
