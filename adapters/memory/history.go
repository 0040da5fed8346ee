package memory

import (
	"context"
	"slices"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// Events implements [ports.History].
func (s *Store) Events(ctx context.Context, q ports.EventQuery) (ports.EventPage, error) {
	if _, err := s.begin(ctx); err != nil {
		return ports.EventPage{}, err
	}
	defer s.mu.Unlock()
	var page ports.EventPage
	login := s.rule.Key(q.Login)
	for _, e := range inOrder(s.history, q.NewestFirst) {
		fits := (q.After == 0 || q.NewestFirst && e.ID < q.After || !q.NewestFirst && e.ID > q.After) &&
			q.Scope.Has(e.Pool.ProjectID) &&
			(q.UserID.IsZero() || q.UserID == e.UserID) &&
			(len(q.Kinds) == 0 || slices.Contains(q.Kinds, e.Kind)) &&
			(q.ProjectID.IsZero() || q.ProjectID == e.Pool.ProjectID) &&
			(q.Env == "" || q.Env == e.Pool.Env) &&
			(q.Domain == "" || q.Domain == e.Pool.Domain) &&
			(q.Owner == "" || q.Owner == e.Owner) &&
			!e.At.Before(q.Since) &&
			(q.Login == "" || s.rule.Key(e.Login) == login)
		if !fits {
			continue
		}
		if len(page.Events) == q.Limit {
			page.Next = page.Events[q.Limit-1].ID
			break
		}
		e.KeyName = s.keyName(e.Key, q.Scope)
		page.Events = append(page.Events, e)
	}
	return page, nil
}

// record adds events to the history.
func (s *Store) record(now time.Time, events []domain.Event) {
	for _, e := range events {
		s.latest++
		e.At = now
		s.history = append(s.history, ports.RecordedEvent{ID: s.latest, Event: e})
	}
}
