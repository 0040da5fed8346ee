// Package boot is the composition root: it takes the settings, builds the farm with fx and runs it. It is the only package that
// knows every adapter.
package boot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"go.uber.org/dig"
	"go.uber.org/fx"
	"go.uber.org/fx/fxevent"

	"github.com/userfarm/userfarm/adapters/http"
	"github.com/userfarm/userfarm/adapters/metrics"
	"github.com/userfarm/userfarm/app"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

const (
	// drainTimeout bounds how long requests may take to finish after the farm was told to stop.
	drainTimeout = 15 * time.Second
	// stopTimeout bounds the whole stop. After it fx stops nothing more, so it includes time to close the store.
	stopTimeout = drainTimeout + 10*time.Second
)

// Options returns the parts of a farm. The store is opened with ctx.
func Options(ctx context.Context, cfg Config) fx.Option {
	return fx.Options(
		fx.Supply(cfg, cfg.HTTPConfig, cfg.MetricsConfig, cfg.StoreConfig, cfg.LogConfig),
		fx.Provide(newLogger, newFailures),
		fx.Provide(func() context.Context { return ctx }),
		fx.Provide(newExposure, newMetrics, newTraces, newStore, newFarm, newGate, newServer),
		fx.Invoke(sendTraces), // first, to be stopped last
		fx.Invoke(keepHouse, readStore, serveMetrics, serve),
		fx.StopTimeout(stopTimeout),
		// Run returns the error, and main prints it once. What fx logs about it only helps developers of this package.
		fx.WithLogger(func() fxevent.Logger { return fxevent.NopLogger }),
	)
}

// Run runs a farm until ctx is done or the farm fails, and stops it in order: requests first, the store last.
func Run(ctx context.Context, cfg Config) error {
	var failed failures
	farm := fx.New(Options(ctx, cfg), fx.Populate(&failed))
	// A signal does not interrupt the start, so that there is always a whole farm to stop in order. The start takes no longer than
	// the store takes to answer.
	if err := farm.Start(context.WithoutCancel(ctx)); err != nil {
		return cause(err)
	}
	var failure error
	select {
	case <-ctx.Done(): // not farm.Wait(), which would handle the signals that the caller handles
	case failure = <-failed:
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if err := farm.Stop(stopping); err != nil {
		return errors.Join(failure, fmt.Errorf("stop: %w", cause(err)))
	}
	return failure
}

// failures carries the error of a part that ended while the farm was running.
type failures chan error

func newFailures() failures { return make(failures, 2) } // one for each port

// cause returns the error without fx's description of the constructors on the way to it.
func cause(err error) error { return dig.RootCause(err) }

func newFarm(store ports.Store, cfg Config) (*app.Farm, error) {
	return app.New(store, app.Settings{
		Leases: domain.LeasePolicy{
			DefaultTTL:         cfg.LeaseTTL,
			LongestTTL:         cfg.MaxLeaseTTL,
			QuarantineOnExpiry: cfg.OnExpiry == "quarantine",
		},
		OpenLockTTL: cfg.LegacyLockTTL,
		Ages:        ports.Ages{Events: cfg.History},
	})
}

// newGate takes the exposure first, so that no store is opened if the address to serve on is invalid.
func newGate(exposed exposure, farm *app.Farm) *app.Gate { return app.NewGate(farm, exposed.open()) }

func newServer(
	gate *app.Gate, store ports.Store, sealer ports.Sealer, measured *metrics.Metrics, traces traces, exposed exposure, cfg Config,
	log *slog.Logger,
) (*http.Server, error) {
	return http.New(measured.Gate(gate), store, http.Settings{
		Limits:       cfg.limits(),
		LoopbackOnly: exposed.loopback() && !exposed.insecure,
		TLS:          exposed.tls,
		Sealer:       sealer,
		ReadUsers:    readUsers,
		Metrics:      measured.Page(log),
		Answered:     measured.Request,
		Traces:       traces.tracerProvider(),
	}, log)
}
