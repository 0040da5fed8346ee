package bunstore

import (
	"context"
	"database/sql"
	"errors"
	"slices"

	"github.com/uptrace/bun"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// isOfFew reports whether the index on users, or that on rare kinds, finds the events that match among few others. The database must
// then not take the index on owners or that on projects: one owner or project may have nearly all events.
func isOfFew(q ports.EventQuery) bool { return !q.UserID.IsZero() || q.Login != "" || areRare(q.Kinds) }

// rareKinds is the condition of the index events_rare, as its definition spells it. The events of every lease are not in that
// index, so that an acquire and its release do not write to it.
const rareKinds = "e.kind NOT IN ('acquired', 'renewed', 'released', 'expired')"

// areRare reports whether rareKinds holds for all events of these kinds.
func areRare(kinds []domain.EventKind) bool {
	frequent := []domain.EventKind{domain.UserAcquired, domain.UserRenewed, domain.UserReleased, domain.UserExpired}
	return len(kinds) > 0 && !slices.ContainsFunc(kinds, func(k domain.EventKind) bool { return slices.Contains(frequent, k) })
}

// walkLength is how many events one page examines if no index finds those that match. An index for each field would find them
// sooner, but every acquire and every release would have to write to it.
const walkLength = 50_000

// walks reports whether a search examines events that do not match. The indexes find the events of users, owners and rare kinds,
// and have those of a project in order.
func walks(q ports.EventQuery) bool {
	indexed := isOfFew(q) || q.Owner != ""
	return !indexed && (q.Env != "" || q.Domain != "" || len(q.Kinds) > 0)
}

// endOfWalk returns the last event that a page may examine; 0 if it may examine all.
func (s *Store) endOfWalk(ctx context.Context, db bun.IDB, q ports.EventQuery, before ports.EventID) (last ports.EventID, err error) {
	err = s.eventsInOrder(db, q, before).ColumnExpr("e.event_id").Offset(walkLength-1).Limit(1).Scan(ctx, &last)
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
