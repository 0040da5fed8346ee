package http

import "context"

// closing tells that the server is shutting down, so that what takes long can end early.
type closing struct {
	begun context.Context // ends when the shutdown begins, with errShuttingDown as its cause
	begin func()
}

func newClosing() closing {
	begun, begin := context.WithCancelCause(context.Background())
	return closing{begun, func() { begin(errShuttingDown) }}
}

func (c closing) hasBegun() bool { return c.begun.Err() != nil }

// endingWith returns a copy of ctx that ends also when one of others does, with the cause of that.
func endingWith(ctx context.Context, others ...context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stops := make([]func() bool, len(others))
	for i, other := range others {
		stops[i] = context.AfterFunc(other, func() { cancel(context.Cause(other)) })
	}
	return ctx, func() {
		for _, stop := range stops {
			stop()
		}
		cancel(context.Canceled)
	}
}
