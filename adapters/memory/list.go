package memory

import (
	"context"
	"iter"
	"slices"

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
	after := s.users
	if !q.After.IsZero() {
		at, found := s.search(q.After)
		switch {
		case q.NewestFirst:
			after = s.users[:at]
		case found:
			after = s.users[at+1:]
		default:
			after = s.users[at:]
		}
	}
	fields := domain.Selector{ProjectID: q.ProjectID, Env: q.Env, Domain: q.Domain, Labels: q.Labels}.In(q.Scope)
	key := s.rule.Key(q.Login)
	page := ports.Page{Now: now}
	for _, u := range inOrder(after, q.NewestFirst) {
		fits := fields.Matches(u) &&
			(q.Owner == "" || q.Owner == ownerOf(u.View(now))) &&
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

// inOrder returns the entries of a list, from the first to the last or, newest first, from the last to the first.
func inOrder[T any](list []T, newestFirst bool) iter.Seq2[int, T] {
	if newestFirst {
		return slices.Backward(list)
	}
	return slices.All(list)
}

// ownerOf returns the owner of the lock that holds a user; an empty text if there is none.
func ownerOf(view domain.View) string {
	if view.Lock == nil {
		return ""
	}
	return view.Lock.Owner
}
