package bunstore

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// skew is by how much the times of events may be out of the order of the events: longer than a transaction takes.
const skew = time.Minute

// Events implements [ports.History].
func (s *Store) Events(ctx context.Context, q ports.EventQuery) (page ports.EventPage, err error) {
	for _, text := range []string{q.Owner, q.Env, q.Domain, q.Login} {
		if !storable(text) {
			return ports.EventPage{}, nil
		}
	}
	err = s.read(ctx, "events", func(ctx context.Context, db bun.IDB) (err error) {
		if q.Login != "" {
			page, err = s.searchEventsOfLogin(ctx, db, q)
		} else {
			page, err = s.searchEvents(ctx, db, q)
		}
		return err
	})
	if err != nil {
		return ports.EventPage{}, err
	}
	return page, nil
}

// searchEvents returns a page of the events that match all fields of q but the login, and further conditions.
func (s *Store) searchEvents(
	ctx context.Context, db bun.IDB, q ports.EventQuery, further ...Condition,
) (page ports.EventPage, err error) {
	before, err := eventBefore(ctx, db, q.Since)
	if err != nil {
		return page, err
	}
	search := where(s.eventsInOrder(db, q, before), further)
	if !q.UserID.IsZero() {
		search = search.Where("e.user_id = ?", q.UserID.String())
	}
	if len(q.Kinds) > 0 {
		search = search.Where("e.kind IN (?)", bun.List(q.Kinds))
	}
	if q.WithoutKeys {
		search = search.Where("e.about_key_id IS NULL")
	}
	if areRare(q.Kinds) {
		search = search.Where(rareKinds)
	}
	if q.Env != "" {
		search = search.Where("e.env = ?", q.Env)
	}
	if q.Domain != "" {
		search = search.Where("e.domain = ?", q.Domain)
	}
	if q.Owner != "" {
		owner := Condition{SQL: "e.owner = ? AND e.owner <> ''", Args: []any{q.Owner}}
		if isOfFew(q) {
			owner = owner.unindexed()
		}
		search = where(search, []Condition{owner})
	}
	if !q.Since.IsZero() {
		search = search.Where("e.at >= ?", micros(q.Since))
	}
	if walks(q) {
		if page.Next, err = s.endOfWalk(ctx, db, q, before); err != nil {
			return page, err
		}
		if page.Next != 0 {
			search = search.Where(upTo(q), int64(page.Next))
		}
	}
	if page.Events, err = readEvents(ctx, search, q); err != nil {
		return page, err
	}
	if len(page.Events) > q.Limit {
		page.Events = page.Events[:q.Limit]
		page.Next = page.Events[q.Limit-1].ID
	}
	return page, nil
}

// eventsInOrder begins a search for the events after one of them, with its order and the conditions that bound it.
func (s *Store) eventsInOrder(db bun.IDB, q ports.EventQuery, before ports.EventID) *bun.SelectQuery {
	projects := s.dialect.Rules.Matches(domain.Selector{ProjectID: q.ProjectID}.In(q.Scope), "e", "e")
	for i, c := range projects {
		if isOfFew(q) || q.Owner != "" {
			projects[i] = c.unindexed()
		}
	}
	search := where(db.NewSelect().TableExpr("events AS e"), projects)
	if s.dialect.Settled != "" {
		search = search.Where(s.dialect.Settled)
	}
	if before != 0 {
		search = search.Where("e.event_id > ?", int64(before))
	}
	if q.NewestFirst {
		if q.After != 0 {
			search = search.Where("e.event_id < ?", int64(q.After))
		}
		return search.Order("e.event_id DESC")
	}
	return search.Where("e.event_id > ?", int64(q.After)).Order("e.event_id")
}

// eventBefore returns an event before all that happened since then; 0 if there is none. Times are nearly in the order of events, so
// it looks at few of them, and needs no index on times.
func eventBefore(ctx context.Context, db bun.IDB, since time.Time) (before ports.EventID, err error) {
	if since.IsZero() {
		return 0, nil
	}
	var after ports.EventID
	if err := db.NewSelect().TableExpr("events").ColumnExpr("coalesce(max(event_id), 0) + 1").Scan(ctx, &after); err != nil {
		return 0, err
	}
	for before+1 < after {
		middle := before + (after-before)/2
		var next struct {
			EventID ports.EventID
			At      int64
		}
		err := db.NewSelect().TableExpr("events").ColumnExpr("event_id, at").
			Where("event_id >= ?", int64(middle)).Order("event_id").Limit(1).Scan(ctx, &next)
		switch {
		case err != nil && !errors.Is(err, sql.ErrNoRows):
			return 0, err
		case err == nil && next.EventID < after && next.At < micros(since.Add(-skew)):
			before = next.EventID
		default:
			after = middle
		}
	}
	return before, nil
}

// readEvents returns the events of a page, and one more if there is one.
func readEvents(ctx context.Context, search *bun.SelectQuery, q ports.EventQuery) ([]ports.RecordedEvent, error) {
	rows, err := search.Join("LEFT JOIN api_keys AS k ON k.key_id = e.key_id").Join("LEFT JOIN api_keys AS a ON a.key_id = e.about_key_id").
		ColumnExpr("e.event_id, e.at, e.kind, e.user_id, e.login, e.project_id, e.env, e.domain, e.owner, e.note, e.fence, e.reason").
		ColumnExpr("e.changed, e.waited, e.held, e.want, e.key_id, coalesce(k.name, ''), k.projects").
		ColumnExpr("e.about_key_id, coalesce(e.name, ''), a.projects").
		Limit(int64(q.Limit) + 1).Rows(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var all []ports.RecordedEvent
	for rows.Next() {
		var e ports.RecordedEvent
		var at, waited, held int64
		var userID, projectID uuid.UUID
		var key, about uuid.NullUUID
		var changed string
		var keyProjects, aboutProjects, want *string
		err := rows.Scan(&e.ID, &at, &e.Kind, &userID, &e.Login, &projectID, &e.Pool.Env, &e.Pool.Domain,
			&e.Owner, &e.Note, &e.Fence, &e.Reason, &changed, &waited, &held, &want, &key, &e.KeyName, &keyProjects,
			&about, &e.Name, &aboutProjects)
		if err != nil {
			return nil, err
		}
		e.Waited, e.Held = time.Duration(waited)*time.Microsecond, time.Duration(held)*time.Microsecond
		e.At, e.UserID, e.Pool.ProjectID = instant(at), domain.UserID(userID), domain.ProjectID(projectID)
		e.Key, e.About = domain.APIKeyID(key.UUID), domain.APIKeyID(about.UUID)
		e.Changed = domain.ParseChangedFields(changed)
		if err := decodeEventWant(want, &e.Event); err != nil {
			return nil, err
		}
		keyScope, err := scopeOf(keyProjects)
		if err != nil {
			return nil, err
		}
		if !q.Scope.Covers(keyScope) {
			e.KeyName = ""
		}
		aboutScope, err := scopeOf(aboutProjects)
		if err != nil {
			return nil, err
		}
		if about.Valid && !q.Scope.Covers(aboutScope) {
			e.Name, e.Reason = "", ""
		}
		all = append(all, e)
	}
	return all, rows.Err()
}
