package boot

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"go.uber.org/fx"

	"github.com/userfarm/userfarm/app"
	"github.com/userfarm/userfarm/ports"
)

const (
	// An ended lease answers 410 for a week, which is longer than any lease lasts that nobody renews.
	rememberLeases = 7 * 24 * time.Hour
	forgetEvery    = time.Hour

	// expireEvery is how often locks that have expired are looked for, should none be known to expire sooner: another
	// replica may have granted a short one. One that is known is ended when its time has come, but they are ended together
	// that expire within expireApart.
	expireEvery = 5 * time.Second
	expireApart = 50 * time.Millisecond

	// recordUsesEvery is by how much an API key may have been used later than what is written down.
	recordUsesEvery = 10 * time.Second
)

// keepHouse does what nobody asks for, as long as the farm runs: it ends locks that have expired, forgets what is old, and
// writes down when API keys were used.
func keepHouse(lc fx.Lifecycle, gate *app.Gate, store ports.Store, cfg Config, log *slog.Logger) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	lc.Append(fx.Hook{
		OnStart: func(context.Context) error {
			running.Go(func() { forgetOld(ctx, store, ports.Ages{Leases: rememberLeases, Events: cfg.History}, log) })
			running.Go(func() { endExpired(ctx, store, log) })
			running.Go(func() { recordUses(ctx, gate, log) })
			return nil
		},
		OnStop: func(stopping context.Context) error {
			cancel()
			running.Wait()
			if err := gate.RecordUses(stopping); err != nil {
				log.Warn("when API keys were used last could not be written down", "error", err)
			}
			return nil
		},
	})
}

func forgetOld(ctx context.Context, store ports.Housekeeping, ages ports.Ages, log *slog.Logger) {
	for {
		if err := store.Forget(ctx, ages); err != nil && ctx.Err() == nil {
			log.Warn("what is old could not be forgotten; trying again later", "error", err)
		}
		if !pause(ctx, forgetEvery) {
			return
		}
	}
}

func endExpired(ctx context.Context, store ports.Housekeeping, log *slog.Logger) {
	for failing := false; ; {
		next, err := store.EndExpired(ctx)
		if err != nil && ctx.Err() == nil && !failing {
			log.Warn("locks that have expired could not be ended; trying again until they can", "error", err)
		}
		failing = err != nil
		if err != nil || next == 0 || next > expireEvery {
			next = expireEvery
		}
		if !pause(ctx, max(next, expireApart)) {
			return
		}
	}
}

func recordUses(ctx context.Context, gate *app.Gate, log *slog.Logger) {
	for failing := false; pause(ctx, recordUsesEvery); {
		err := gate.RecordUses(ctx)
		if err != nil && ctx.Err() == nil && !failing {
			log.Warn("when API keys were used could not be written down; trying again until it can", "error", err)
		}
		failing = err != nil
	}
}

// pause reports whether it took its time, and was not cut short by the end of ctx.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
