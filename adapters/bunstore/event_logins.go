package bunstore

import (
	"cmp"
	"context"
	"database/sql"
	"slices"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// oneMoment makes all statements of a transaction see what was committed at one moment.
var oneMoment = &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}

// usersAtOnce is for how many users one statement searches events.
const usersAtOnce = 500

// searchEventsOfLogin is searchEvents for a query with a login. An event has the login as it was given, and SQL can't tell which
// logins are the same. So this finds the users first: those that have the login now, and those that had it when they were
// removed. A user never gets another login. All statements see what was committed at one moment: otherwise a page could lack
// the events of a user that is added or removed meanwhile.
func (s *Store) searchEventsOfLogin(ctx context.Context, db bun.IDB, q ports.EventQuery) (page ports.EventPage, err error) {
	err = db.RunInTx(ctx, oneMoment, func(ctx context.Context, tx bun.Tx) error {
		users, err := s.usersOfLogin(ctx, tx, q)
		if err != nil {
			return err
		}
		page = ports.EventPage{}
		for some := range slices.Chunk(users, usersAtOnce) {
			found, err := s.searchEvents(ctx, tx, q, Condition{SQL: "e.user_id IN (?)", Args: []any{bun.List(some)}})
			if err != nil {
				return err
			}
			page = merge(q, page, found)
		}
		return nil
	})
	return page, err
}

// merge returns the page that has the first events of two pages.
func merge(q ports.EventQuery, a, b ports.EventPage) ports.EventPage {
	events := append(a.Events, b.Events...)
	slices.SortFunc(events, func(a, b ports.RecordedEvent) int {
		if q.NewestFirst {
			a, b = b, a
		}
		return cmp.Compare(a.ID, b.ID)
	})
	if len(events) <= q.Limit && a.Next == 0 && b.Next == 0 {
		return ports.EventPage{Events: events}
	}
	events = events[:q.Limit]
	return ports.EventPage{Events: events, Next: events[q.Limit-1].ID}
}

// usersOfLogin returns the ids of the users that have the login, or had it when they were removed, and may have an event on the
// page.
func (s *Store) usersOfLogin(ctx context.Context, db bun.IDB, q ports.EventQuery) ([]string, error) {
	// The index on logins begins with the project and the environment.
	in := domain.Selector{ProjectID: q.ProjectID, Env: q.Env, Domain: q.Domain}.In(q.Scope)
	pools := where(db.NewSelect().Distinct().TableExpr("pools AS p").ColumnExpr("p.project_id, p.env"), s.dialect.Rules.Matches(in, "p", "p"))
	present := db.NewSelect().TableExpr("users AS u").ColumnExpr("u.user_id, u.login").
		Join("JOIN (?) AS p ON p.project_id = u.project_id AND p.env = u.env", pools).
		Where("u.login_key = ?", loginKey(s.logins, q.Login))

	// No event of a user comes after that of its removal. This one may not be settled yet, but those before it may be.
	removed := db.NewSelect().TableExpr("events AS e").ColumnExpr("e.user_id, e.login").
		Where("e.kind = ?", domain.UserRemoved).Where(rareKinds)
	for _, c := range s.dialect.Rules.Matches(in, "e", "e") {
		removed = where(removed, []Condition{c.unindexed()})
	}
	if !q.NewestFirst {
		removed = removed.Where("e.event_id > ?", int64(q.After))
	}

	var users []string
	key := s.logins.Key(q.Login)
	for _, search := range []*bun.SelectQuery{present, removed} {
		err := eachLogin(ctx, search, func(id uuid.UUID, login string) {
			if s.logins.Key(login) == key {
				users = append(users, id.String())
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return users, nil
}

// eachLogin calls use with each row of a search for ids and logins of users. There may be too many for the memory.
func eachLogin(ctx context.Context, search *bun.SelectQuery, use func(id uuid.UUID, login string)) error {
	rows, err := search.Rows(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id uuid.UUID
		var login string
		if err := rows.Scan(&id, &login); err != nil {
			return err
		}
		use(id, login)
	}
	return rows.Err()
}
