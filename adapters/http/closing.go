package http

import "context"

// closing tells that the server is shutting down, so that what takes long can end early.
type closing struct {
	begun context.Context // ends when the shutdown begins
	begin context.CancelFunc
}

func newClosing() closing {
	begun, begin := context.WithCancel(context.Background())
	return closing{begun, begin}
}

func (c closing) hasBegun() bool { return c.begun.Err() != nil }

// cut returns a copy of ctx that ends also when the shutdown begins, with errShuttingDown as its cause.
func (c closing) cut(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(c.begun, func() { cancel(errShuttingDown) })
	return ctx, func() {
		stop()
		cancel(context.Canceled)
	}
}
