package memory

import (
	"context"
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
	for _, e := range s.history {
		fits := e.ID > q.After && q.Scope.Has(e.Pool.ProjectID) &&
			(q.UserID.IsZero() || q.UserID == e.UserID) &&
			(q.Owner == "" || q.Owner == e.Owner) &&
			!e.At.Before(q.Since)
		if !fits {
			continue
		}
		if len(page.Events) == q.Limit {
			page.More = true
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
