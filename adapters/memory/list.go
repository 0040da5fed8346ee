package memory

import (
	"context"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// List implements [ports.Users].
func (s *Store) List(ctx context.Context, q ports.Query) (ports.Page, error) {
	now, err := s.begin(ctx)
	if err != nil {
		return ports.Page{}, err
	}
	defer s.mu.Unlock()
	next, found := s.search(q.After)
	if found {
		next++
	}
	fields := domain.Selector{ProjectID: q.ProjectID, Env: q.Env, Domain: q.Domain, Labels: q.Labels}.In(q.Scope)
	key := s.rule.Key(q.Login)
	page := ports.Page{Now: now}
	for _, u := range s.users[next:] {
		fits := fields.Matches(u) &&
			(q.Status == "" || q.Status == u.Status(now)) &&
			(q.Login == "" || s.accountOf(u).loginKey == key)
		if !fits {
			continue
		}
		if len(page.Users) == q.Limit {
			page.More = true
			break
		}
		page.Users = append(page.Users, u.Clone())
	}
	return page, nil
}
