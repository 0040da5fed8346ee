package boot

import (
	"context"
	"log/slog"
	"sync"

	"go.uber.org/fx"

	"github.com/userfarm/userfarm/app"
)

// keepHouse runs the housekeeping of the farm and of its gate, and watches its store, from the start of the farm to its stop.
func keepHouse(lc fx.Lifecycle, farm *app.Farm, gate *app.Gate, log *slog.Logger) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	lc.Append(fx.StartStopHook(
		func() {
			running.Go(func() { farm.RunHousekeeping(ctx, log) })
			running.Go(func() { farm.WatchStore(ctx, log) })
			running.Go(func() { gate.RunRecording(ctx, log) })
		},
		func() {
			cancel()
			running.Wait()
		},
	))
}
