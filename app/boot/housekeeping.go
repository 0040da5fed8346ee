package boot

import (
	"context"
	"log/slog"
	"time"

	"go.uber.org/fx"

	"github.com/userfarm/userfarm/ports"
)

const (
	// An ended lease answers 410 for a week, which is longer than any lease lasts that nobody renews.
	rememberLeases = 7 * 24 * time.Hour
	keepHouseEvery = time.Hour
)

// keepHouse forgets old leases at once and then every hour, as long as the farm runs.
func keepHouse(lc fx.Lifecycle, store ports.Store, log *slog.Logger) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	lc.Append(fx.Hook{
		OnStart: func(context.Context) error {
			go func() {
				defer close(done)
				forgetLeases(ctx, store, log)
			}()
			return nil
		},
		OnStop: func(context.Context) error {
			cancel()
			<-done
			return nil
		},
	})
}

func forgetLeases(ctx context.Context, store ports.Housekeeping, log *slog.Logger) {
	tick := time.NewTicker(keepHouseEvery)
	defer tick.Stop()
	for {
		if err := store.ForgetLeases(ctx, rememberLeases); err != nil && ctx.Err() == nil {
			log.Warn("old leases could not be forgotten; trying again later", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
