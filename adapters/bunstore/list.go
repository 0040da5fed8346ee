package bunstore

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// List implements [ports.Users]. A page costs as much as it has users, of each of the [places] that
// may have some, and not as the farm has.
func (s *Store) List(ctx context.Context, q ports.Query) (ports.Page, error) {
	var page ports.Page
	err := s.read(ctx, "list", func(ctx context.Context, db bun.IDB) error {
		return db.RunInTx(ctx, oneMoment, func(ctx context.Context, tx bun.Tx) (err error) {
			page, err = s.list(ctx, tx, q)
			return err
		})
	})
	if err != nil {
		return ports.Page{}, err
	}
	return page, nil
}

func (s *Store) list(ctx context.Context, db bun.IDB, q ports.Query) (ports.Page, error) {
	// One time for the filter and for the page: no user is listed as free that is locked at the page's time.
	now, err := s.clock(ctx, db)
	if err != nil {
		return ports.Page{}, err
	}
	l := &listing{store: s, db: db, q: q, now: now}
	l.want = domain.Selector{ProjectID: q.ProjectID, Env: q.Env, Domain: q.Domain, Labels: q.Labels}.In(q.Scope)
	if !findable(l.want) || !storable(q.Login) || !storable(q.Owner) {
		return ports.Page{Now: now}, nil
	}
	read := s.show
	if q.Secrets {
		read = s.restore
	}
	search, err := l.search(ctx)
	if err != nil {
		return ports.Page{}, err
	}
	listed, err := s.all(ctx, search, read)
	if err != nil {
		return ports.Page{}, err
	}
	more := len(listed) > q.Limit
	return ports.Page{Users: listed[:min(len(listed), q.Limit)], Now: now, More: more}, nil
}

// listing is the search for a page of a list.
type listing struct {
	store *Store
	db    bun.IDB
	q     ports.Query
	want  domain.Selector // the fields of q that a selector has
	now   time.Time
}

// search returns the search for the users of the page, and for one more.
func (l *listing) search(ctx context.Context) (*bun.SelectQuery, error) {
	if l.q.Login != "" {
		return l.page(l.ofLogin(l.matching(users(l.db), l.want)), false), nil
	}
	places, narrow, err := l.places(ctx)
	if err != nil {
		return nil, err
	}
	if !narrow {
		return l.page(l.matching(users(l.db), l.want), true), nil
	}
	ids, err := l.idsIn(ctx, places)
	if err != nil {
		return nil, err
	}
	return l.inOrder(users(l.db).Where("u.user_id IN (?)", bun.List(ids))), nil
}

// matching narrows a search to users that a selector matches, and that are in the state and of the owner that are wanted. It leaves
// it to the rest of the search which index leads to them.
func (l *listing) matching(search *bun.SelectQuery, want domain.Selector) *bun.SelectQuery {
	rules := l.store.dialect.Rules
	for _, c := range rules.Matches(want, "u", "u") {
		search = where(search, []Condition{c.unindexed()})
	}
	rules.Free = Condition{SQL: rules.Free}.unindexed().SQL
	search = rules.inState(search, l.q.Status, l.now)
	if l.q.Owner != "" {
		search = search.Where("u.lock_owner = ?", l.q.Owner)
	}
	return search
}

// ofLogin narrows a search to the users with the login. The index on logins begins with the project and the environment.
func (l *listing) ofLogin(search *bun.SelectQuery) *bun.SelectQuery {
	pools := where(l.db.NewSelect().TableExpr("pools AS p").ColumnExpr("p.project_id, p.env"), l.inPools())
	search = search.Where("(u.project_id, u.env) IN (?)", pools).Where("u.login_key = ?", loginKey(l.store.logins, l.q.Login))
	if l.q.Owner != "" {
		search = search.Where(l.store.dialect.Rules.Leased, micros(l.now))
	}
	return search
}

// page narrows a search to the users of the page, and one more. byID says that an index in the order of ids leads to them.
func (l *listing) page(search *bun.SelectQuery, byID bool) *bun.SelectQuery {
	if !l.q.After.IsZero() {
		after := Condition{SQL: "u.user_id > ?", Args: []any{l.q.After.String()}}
		if l.q.NewestFirst {
			after.SQL = "u.user_id < ?"
		}
		if !byID {
			after = after.unindexed()
		}
		search = where(search, []Condition{after})
	}
	return l.inOrder(search).Limit(int64(l.q.Limit) + 1)
}

func (l *listing) inOrder(search *bun.SelectQuery) *bun.SelectQuery {
	if l.q.NewestFirst {
		return search.Order("u.user_id DESC")
	}
	return search.Order("u.user_id")
}
