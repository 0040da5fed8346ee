package bunstore

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// Find implements [ports.Users].
func (s *Store) Find(ctx context.Context, target ports.Target) ([]*domain.User, time.Time, error) {
	var users []*domain.User
	var now time.Time
	err := s.read(ctx, "find", func(ctx context.Context, db bun.IDB) (err error) {
		users, now, err = s.find(ctx, db, target)
		return err
	})
	if err != nil {
		return nil, time.Time{}, err
	}
	return users, now, nil
}

func (s *Store) find(ctx context.Context, db bun.IDB, target ports.Target) ([]*domain.User, time.Time, error) {
	search, read := users(db).ColumnExpr("? AS seen_at", s.dialect.Clock()), s.show
	if lease, leased := target.Lease(); leased {
		search, read = search.Where("u.lock_lease = ?", lease[:]), s.restore
	} else {
		id, _ := target.User()
		search = search.Where("u.user_id = ?", id.String())
	}
	var seenAt int64
	found, err := s.all(ctx, search, read, &seenAt)
	if err != nil {
		return nil, time.Time{}, err
	}
	if len(found) == 0 {
		return nil, time.Time{}, s.whyAbsent(ctx, db, target)
	}
	slices.SortFunc(found, func(a, b *domain.User) int {
		return cmp.Compare(circulationOf(a).LockPosition, circulationOf(b).LockPosition)
	})
	return found, instant(seenAt), nil
}

// whyAbsent refuses with the reason why a target has no users: one of the errors of [ports.Users].
func (s *Store) whyAbsent(ctx context.Context, db bun.IDB, target ports.Target) error {
	if lease, leased := target.Lease(); leased {
		return s.whyNoLease(ctx, db, lease)
	}
	return refuse(domain.ErrUserNotFound)
}

// users begins a search for rows of users.
func users(db bun.IDB) *bun.SelectQuery {
	return db.NewSelect().TableExpr("users AS u").ColumnExpr(Columns)
}

// all returns the users that a search finds. Further columns of the search are scanned to more; the last row wins.
//
// Bun's own way to scan a row takes longer than all the rest of reading one.
func (s *Store) all(ctx context.Context, search *bun.SelectQuery, read func(Row) (*domain.User, error), more ...any) ([]*domain.User, error) {
	found, err := search.Rows(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := Scan(found, more...)
	if err != nil {
		return nil, err
	}
	all := make([]*domain.User, len(rows))
	for i, r := range rows {
		if all[i], err = read(r); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// clock returns the time of the store's clock.
func (s *Store) clock(ctx context.Context, db bun.IDB) (time.Time, error) {
	var now int64
	err := db.NewSelect().ColumnExpr("?", s.dialect.Clock()).Scan(ctx, &now)
	return instant(now), err
}
