// Package boot is the composition root: it reads the settings, puts the farm together with fx and runs it. It is the only
// package that knows every adapter.
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
	"github.com/userfarm/userfarm/app"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

const (
	// drainTimeout bounds how long requests may take to finish once the farm is told to stop.
	drainTimeout = 15 * time.Second
	// stopTimeout bounds the whole stop. Once it is over fx stops nothing more, so the store needs time of its own.
	stopTimeout = drainTimeout + 10*time.Second
)

// Options are the parts of a farm. The store is opened under ctx.
func Options(ctx context.Context, cfg Config) fx.Option {
	return fx.Options(
		fx.Supply(cfg, cfg.HTTPConfig, cfg.StoreConfig, cfg.LogConfig),
		fx.Provide(newLogger, newFailures),
		fx.Provide(func() context.Context { return ctx }),
		fx.Provide(newExposure, newStore, newFarm, newGate, newServer),
		fx.Invoke(keepHouse, serve),
		fx.StopTimeout(stopTimeout),
		// What goes wrong is returned and printed once; fx's own account of it is for those who change this package.
		fx.WithLogger(func() fxevent.Logger { return fxevent.NopLogger }),
	)
}

// Run runs a farm until ctx is done or the farm fails, and stops it in order: requests first, the store last.
func Run(ctx context.Context, cfg Config) error {
	var failed failures
	farm := fx.New(Options(ctx, cfg), fx.Populate(&failed))
	// To start takes no longer than the store takes to answer: who is told to stop meanwhile has something to stop in order.
	if err := farm.Start(context.WithoutCancel(ctx)); err != nil {
		return cause(err)
	}
	var failure error
	select {
	case <-ctx.Done(): // and not farm.Wait(), which would take the signals away from the caller
	case failure = <-failed:
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if err := farm.Stop(stopping); err != nil {
		return errors.Join(failure, fmt.Errorf("stop: %w", cause(err)))
	}
	return failure
}

// failures carries the error of what ended while it should have run on.
type failures chan error

func newFailures() failures { return make(failures, 1) }

// cause strips fx's account of which constructor wanted what from an error.
func cause(err error) error { return dig.RootCause(err) }

func newFarm(store ports.Store, cfg Config) *app.Farm {
	return app.New(store, app.Settings{
		TTLs:        domain.TTLs{Default: cfg.LeaseTTL, Longest: cfg.MaxLeaseTTL},
		OpenLockTTL: cfg.LegacyLockTTL,

		QuarantineOnExpiry: cfg.OnExpiry == "quarantine",
	})
}

// newGate takes the exposure first, so that no store is opened for a farm that can't be served.
func newGate(exposed exposure, farm *app.Farm) *app.Gate { return app.NewGate(farm, exposed.open()) }

func newServer(gate *app.Gate, store ports.Store, exposed exposure, cfg Config, log *slog.Logger) (*http.Server, error) {
	return http.New(gate, store, http.Settings{
		Limits:       cfg.limits(),
		LoopbackOnly: exposed.loopback() && !exposed.insecure,
		TLS:          exposed.tls,
	}, log)
}
