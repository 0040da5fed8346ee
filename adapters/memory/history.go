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
	for e := range s.history.after(q.After, q.Since) {
		fits := q.Scope.Has(e.Pool.ProjectID) &&
			(q.UserID.IsZero() || q.UserID == e.UserID) &&
			(q.Owner == "" || q.Owner == e.Owner)
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
		e.At = now
		s.history.add(e)
	}
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

// after yields the events with higher ids, from a time on.
func (h *history) after(id ports.EventID, since time.Time) iter.Seq[ports.RecordedEvent] {
	asked := func(e ports.RecordedEvent) bool { return e.ID > id && !e.At.Before(since) }
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
