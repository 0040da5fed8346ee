package bunstore

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// skew is by how much the times of events may be out of the order of the events: longer than a transaction takes.
const skew = time.Minute

// Events implements [ports.History].
func (s *Store) Events(ctx context.Context, q ports.EventQuery) (ports.EventPage, error) {
	var page ports.EventPage
	err := s.read(ctx, "events", func(ctx context.Context, db bun.IDB) error {
		recorded, err := s.searchEvents(ctx, db, q)
		if err != nil {
			return err
		}
		more := len(recorded) > q.Limit
		page = ports.EventPage{Events: recorded[:min(len(recorded), q.Limit)], More: more}
		return nil
	})
	if err != nil {
		return ports.EventPage{}, err
	}
	return page, nil
}

func (s *Store) searchEvents(ctx context.Context, db bun.IDB, q ports.EventQuery) ([]ports.RecordedEvent, error) {
	search := db.NewSelect().TableExpr("events AS e").Join("LEFT JOIN api_keys AS k ON k.key_id = e.key_id").
		ColumnExpr("e.event_id, e.at, e.kind, e.user_id, e.login, e.project_id, e.env, e.domain, e.owner, e.note, e.fence, e.reason, e.waited").
		ColumnExpr("e.key_id, coalesce(k.name, ''), k.projects").
		Where("e.event_id > ?", int64(q.After)).
		Order("e.event_id").Limit(int64(q.Limit) + 1)
	search = where(search, s.dialect.Rules.InScope(q.Scope, "e.project_id"))
	if s.dialect.Settled != "" {
		search = search.Where(s.dialect.Settled)
	}
	if !q.UserID.IsZero() {
		search = search.Where("e.user_id = ?", q.UserID.String())
	}
	if q.Owner != "" {
		if !storable(q.Owner) {
			return nil, nil
		}
		search = search.Where("e.owner = ? AND e.owner <> ''", q.Owner)
	}
	if !q.Since.IsZero() {
		// Times are nearly in the order of events. So the index on times finds an event before all that are wanted.
		before := db.NewSelect().TableExpr("events AS b").ColumnExpr("b.event_id").
			Where("b.at < ?", micros(q.Since.Add(-skew))).Order("b.at DESC").Limit(1)
		search = search.Where("e.at >= ?", micros(q.Since)).Where("e.event_id > coalesce((?), 0)", before)
	}
	rows, err := search.Rows(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var all []ports.RecordedEvent
	for rows.Next() {
		var e ports.RecordedEvent
		var at, waited int64
		var userID, projectID uuid.UUID
		var key uuid.NullUUID
		var keyProjects *string
		err := rows.Scan(&e.ID, &at, &e.Kind, &userID, &e.Login, &projectID, &e.Pool.Env, &e.Pool.Domain,
			&e.Owner, &e.Note, &e.Fence, &e.Reason, &waited, &key, &e.KeyName, &keyProjects)
		if err != nil {
			return nil, err
		}
		e.Waited = time.Duration(waited) * time.Microsecond
		e.At, e.UserID, e.Pool.ProjectID = instant(at), domain.UserID(userID), domain.ProjectID(projectID)
		e.Key = domain.APIKeyID(key.UUID)
		keyScope, err := scopeOf(keyProjects)
		if err != nil {
			return nil, err
		}
		if !q.Scope.Covers(keyScope) {
			e.KeyName = ""
		}
		all = append(all, e)
	}
	return all, rows.Err()
}
