package app

import (
	"context"

	"github.com/userfarm/userfarm/ports"
)

// Events implements [ports.History].
func (f *Farm) Events(ctx context.Context, q ports.EventQuery) (ports.EventPage, error) {
	q.Scope = f.caller.Scope
	return f.store.Events(ctx, q)
}
