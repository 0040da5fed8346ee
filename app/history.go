package app

import (
	"context"

	"github.com/userfarm/userfarm/ports"
)

// Events implements [ports.History].
func (f *Farm) Events(ctx context.Context, q ports.EventQuery) (ports.EventPage, error) {
	if err := f.checkProject(q.ProjectID); err != nil {
		return ports.EventPage{}, err
	}
	q.Scope, q.Limit, q.WithoutKeys = f.caller.Scope, limitOf(q.Limit), !f.caller.SeesKeys()
	page, err := f.store.Events(ctx, q)
	if err != nil {
		return ports.EventPage{}, err
	}
	events := make([]ports.RecordedEvent, len(page.Events))
	for i, e := range page.Events {
		events[i] = e
		events[i].Event = e.In(q.Scope)
	}
	page.Events = events
	return page, nil
}
