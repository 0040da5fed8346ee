package memory

import (
	"context"
	"iter"
	"slices"
	"sort"
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
	for e := range s.history.read(q) {
		fits := q.Scope.Has(e.Pool.ProjectID) &&
			(!q.WithoutKeys || e.About.IsZero()) &&
			(q.UserID.IsZero() || q.UserID == e.UserID) &&
			(len(q.Kinds) == 0 || slices.Contains(q.Kinds, e.Kind)) &&
			(q.ProjectID.IsZero() || q.ProjectID == e.Pool.ProjectID) &&
			(q.Env == "" || q.Env == e.Pool.Env) &&
			(q.Domain == "" || q.Domain == e.Pool.Domain) &&
			(q.Owner == "" || q.Owner == e.Owner) &&
			(q.Login == "" || s.rule.Key(e.Login) == login)
		if !fits {
			continue
		}
		if len(page.Events) == q.Limit {
			page.Next = page.Events[q.Limit-1].ID
			break
		}
		e.KeyName = s.keyName(e.Key, q.Scope)
		if !e.About.IsZero() && !s.coversKey(q.Scope, e.About) {
			e.Name, e.Reason = "", ""
		}
		page.Events = append(page.Events, e)
	}
	return page, nil
}

// record adds events to the history.
func (s *Store) record(now time.Time, events []domain.Event) {
	for i := range events {
		events[i].At = now
		s.history.add(events[i])
	}
	s.observers.Recorded(events)
}

// history has events, ascending by id and by time. They are in pages: a page that is full is never moved, and is forgotten
// as a whole with its last event.
type history struct {
	pages  [][]ports.RecordedEvent
	latest ports.EventID
}

const eventsPerPage = 256

func (h *history) add(e domain.Event) {
	last := len(h.pages) - 1
	if last < 0 || len(h.pages[last]) == eventsPerPage {
		h.pages = append(h.pages, make([]ports.RecordedEvent, 0, eventsPerPage))
		last++
	}
	h.latest++
	h.pages[last] = append(h.pages[last], ports.RecordedEvent{ID: h.latest, Event: e})
}

// read yields the events of a query's time after its cursor, in its order.
func (h *history) read(q ports.EventQuery) iter.Seq[ports.RecordedEvent] {
	if q.NewestFirst {
		return h.readBackward(q)
	}
	asked := func(e ports.RecordedEvent) bool { return e.ID > q.After && !e.At.Before(q.Since) }
	first := h.firstPage(asked)
	return func(yield func(ports.RecordedEvent) bool) {
		for _, page := range h.pages[first:] {
			for _, e := range page {
				if asked(e) && !yield(e) {
					return
				}
			}
		}
	}
}

func (h *history) readBackward(q ports.EventQuery) iter.Seq[ports.RecordedEvent] {
	end := len(h.pages)
	if q.After != 0 {
		end = min(end, 1+h.firstPage(func(e ports.RecordedEvent) bool { return e.ID >= q.After }))
	}
	return func(yield func(ports.RecordedEvent) bool) {
		for _, page := range slices.Backward(h.pages[:end]) {
			for _, e := range slices.Backward(page) {
				if e.At.Before(q.Since) || (q.After == 0 || e.ID < q.After) && !yield(e) {
					return
				}
			}
		}
	}
}

// forget forgets the events from before a time.
func (h *history) forget(before time.Time) {
	kept := func(e ports.RecordedEvent) bool { return !e.At.Before(before) }
	h.pages = slices.Delete(h.pages, 0, h.firstPage(kept))
	if len(h.pages) > 0 {
		page := h.pages[0]
		h.pages[0] = slices.Delete(page, 0, slices.IndexFunc(page, kept))
	}
}

// firstPage returns the index of the first page that has an event of the end of the history that is asked for.
func (h *history) firstPage(asked func(ports.RecordedEvent) bool) int {
	return sort.Search(len(h.pages), func(i int) bool {
		page := h.pages[i]
		return asked(page[len(page)-1])
	})
}
