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
		// One time for the filter and for the page: nobody is listed as free who is locked by the page's time.
		now, err := s.clock(ctx, db)
		if err != nil {
			return err
		}
		var rows []row
		search := db.NewSelect().Model(&rows).Order("u.user_id").Limit(int64(q.Limit) + 1)
		search = s.matching(search, domain.Selector{
			ProjectID: q.ProjectID, Env: q.Env, Domain: q.Domain, Labels: q.Labels,
		})
		search = equal(search, "login", q.Login)
		search = inState(search, q.Status, now)
		if !q.After.IsZero() {
			search = search.Where("u.user_id > ?", q.After.String())
		}
		if err := search.Scan(ctx); err != nil {
			return err
		}
		page = ports.Page{Now: now, More: len(rows) > q.Limit}
		for _, r := range rows[:min(len(rows), q.Limit)] {
			u, err := s.open(r)
			if err != nil {
				return err
			}
			page.Users = append(page.Users, u)
		}
		return nil
	})
	if err != nil {
		return ports.Page{}, err
	}
	return page, nil
}
