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
	q.Scope, q.Limit = f.caller.Scope, limitOf(q.Limit)
	return f.store.Events(ctx, q)
}
