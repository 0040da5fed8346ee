package bunstore

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// List implements [ports.Users].
func (s *Store) List(ctx context.Context, q ports.Query) (ports.Page, error) {
	var page ports.Page
	err := s.read(ctx, "list", func(ctx context.Context, db bun.IDB) error {
		// One time for the filter and for the page: no user is listed as free that is locked at the page's time.
		now, err := s.clock(ctx, db)
		if err != nil {
			return err
		}
		want := domain.Selector{ProjectID: q.ProjectID, Env: q.Env, Domain: q.Domain, Labels: q.Labels}.In(q.Scope)
		if page.Now = now; !findable(want) || !storable(q.Login) || !storable(q.Owner) {
			return nil
		}
		narrow, err := s.narrow(ctx, db, q, now)
		if err != nil {
			return err
		}
		matches := s.dialect.Rules.Matches(want, "u", "u")
		search := users(db)
		if narrow != nil {
			search = search.Where(narrow.SQL, narrow.Args...)
			for i, c := range matches {
				matches[i] = c.unindexed()
			}
		}
		search = where(search, matches)
		search = s.dialect.Rules.inState(search, q.Status, now)
		read := s.show
		if q.Secrets {
			read = s.restore
		}
		if q.Login != "" {
			search = search.Where("u.login_key = ?", loginKey(s.logins, q.Login))
		}
		if q.Owner != "" {
			search = search.Where("u.lock_owner = ?", q.Owner).Where(s.dialect.Rules.Leased, micros(now))
		}
		order := "u.user_id"
		if q.NewestFirst {
			order = "u.user_id DESC"
		}
		if !q.After.IsZero() {
			search = search.Where(afterUser(q), q.After.String())
		}
		listed, err := s.all(ctx, search.Order(order).Limit(int64(q.Limit)+1), read)
		if err != nil {
			return err
		}
		more := len(listed) > q.Limit
		page = ports.Page{Users: listed[:min(len(listed), q.Limit)], Now: now, More: more}
		return nil
	})
	if err != nil {
		return ports.Page{}, err
	}
	return page, nil
}
