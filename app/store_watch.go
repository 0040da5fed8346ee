package app

import (
	"context"
	"log/slog"
	"time"
)

const (
	// pingEvery is how long the log may be silent about a store that can't do its work.
	pingEvery   = time.Second
	pingTimeout = 2 * time.Second
)

// WatchStore logs when the store becomes unavailable, as a warning with the reason, and when it is available again, until ctx ends. It
// does not wait for a request that fails: nobody may send one to a farm that is not ready.
func (f *Farm) WatchStore(ctx context.Context, log *slog.Logger) {
	for failing := false; sleep(ctx, pingEvery) == nil; {
		err := f.ping(ctx)
		switch {
		case ctx.Err() != nil:
		case err != nil && !failing:
			log.WarnContext(ctx, "the store is unavailable: requests are answered 503 until it is available again", "error", err)
		case err == nil && failing:
			log.InfoContext(ctx, "the store is available again")
		}
		failing = err != nil
	}
}

func (f *Farm) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	return f.store.Ping(ctx)
}
