package bunstore

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/userfarm/userfarm/domain"
)

// found is what a search for users found.
type found struct {
	users  []*domain.User
	before map[domain.UserID]*domain.User // copies that stay as they were found
	now    time.Time                      // no earlier than the locks on the rows; zero if there are none
}

// load runs a search for rows of users. With a locking clause (see [Dialect]) nobody else can change them until the
// transaction ends.
func (s *Store) load(ctx context.Context, db bun.IDB, search *bun.SelectQuery, locking string) (found, error) {
	if locking != "" {
		search = search.For(locking)
	}
	// The outer SELECT reads the clock when the inner one has found, and locked, a row. A time from before the wait for a row
	// would show a user as held who was released meanwhile.
	var rows []row
	err := db.NewSelect().
		WithQuery(bun.NewWithQuery("picked", search.Model((*row)(nil))).Materialized()).
		Model(&rows).ModelTableExpr("picked AS u").
		ColumnExpr("u.*").ColumnExpr("? AS seen_at", s.dialect.Clock()).
		Scan(ctx)
	if err != nil {
		return found{}, err
	}
	f := found{users: make([]*domain.User, len(rows)), before: make(map[domain.UserID]*domain.User, len(rows))}
	for i, r := range rows {
		if f.users[i], err = s.open(r); err != nil {
			return found{}, err
		}
		f.before[f.users[i].ID()] = domain.Restore(f.users[i].Snapshot())
		f.now = latest(f.now, instant(r.SeenAt))
	}
	return f, nil
}

// add joins what another search of the same transaction found.
func (f *found) add(other found) {
	for _, u := range other.users {
		if _, known := f.before[u.ID()]; !known {
			f.users = append(f.users, u)
			f.before[u.ID()] = other.before[u.ID()]
		}
	}
	f.now = latest(f.now, other.now)
}

// sortByPosition puts the users of a lease in its order.
func (f *found) sortByPosition() {
	slices.SortFunc(f.users, func(a, b *domain.User) int {
		return cmp.Compare(circulationOf(a).LockPosition, circulationOf(b).LockPosition)
	})
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// clock returns the time of the store's clock.
func (s *Store) clock(ctx context.Context, db bun.IDB) (time.Time, error) {
	var now int64
	err := db.NewSelect().ColumnExpr("?", s.dialect.Clock()).Scan(ctx, &now)
	return instant(now), err
}
