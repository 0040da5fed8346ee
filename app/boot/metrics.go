package boot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	nethttp "net/http"
	"time"

	"go.uber.org/fx"

	"github.com/userfarm/userfarm/adapters/metrics"
	"github.com/userfarm/userfarm/ports"
)

const (
	// These bound what a slow client of the address for metrics costs. To collect them takes a few seconds at most.
	metricsReadTimeout  = 5 * time.Second
	metricsWriteTimeout = 15 * time.Second
	metricsIdleTimeout  = 5 * time.Minute // longer than Prometheus waits between two requests

	metricsDrainTimeout = 5 * time.Second
)

func newMetrics(cfg Config) *metrics.Metrics { return metrics.New(cfg.Revision) }

// readStore lets the metrics have counts of the store.
func readStore(measured *metrics.Metrics, store ports.Store, log *slog.Logger) {
	measured.Read(store, log)
}

// serveMetrics opens the port for metrics when the farm starts, if one is set. It is closed after the port of the farm, so that the last
// requests can still be read about.
func serveMetrics(lc fx.Lifecycle, failed failures, measured *metrics.Metrics, cfg MetricsConfig, log *slog.Logger) {
	if cfg.MetricsListen == "" {
		return
	}
	pages := nethttp.NewServeMux()
	pages.Handle("GET /metrics", measured.Page(log))
	server := &nethttp.Server{
		Handler:     pages,
		ReadTimeout: metricsReadTimeout, WriteTimeout: metricsWriteTimeout, IdleTimeout: metricsIdleTimeout,
		MaxHeaderBytes: 16 << 10,
		ErrorLog:       slog.NewLogLogger(log.Handler(), slog.LevelDebug), // mistakes of clients
	}
	lc.Append(fx.Hook{
		OnStart: func(ctx context.Context) error {
			listener, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.MetricsListen)
			if err != nil {
				return fmt.Errorf("--metrics-listen: %w", err)
			}
			go func() {
				if err := server.Serve(listener); !errors.Is(err, nethttp.ErrServerClosed) {
					failed <- fmt.Errorf("metrics: %w", err)
				}
			}()
			log.Info("metrics are served, without an API key", "address", "http://"+listener.Addr().String()+"/metrics")
			return nil
		},
		OnStop: func(ctx context.Context) error {
			ctx, cancel := context.WithTimeout(ctx, metricsDrainTimeout)
			defer cancel()
			if err := server.Shutdown(ctx); err != nil {
				return server.Close() // a client that reads slowly must not keep the farm from stopping
			}
			return nil
		},
	})
}
