package boot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"

	"go.uber.org/fx"

	"github.com/userfarm/userfarm/adapters/http"
)

// serve opens the port when the farm starts, and drains the requests when it stops.
func serve(lc fx.Lifecycle, failed failures, server *http.Server, cfg Config, log *slog.Logger) {
	lc.Append(fx.Hook{
		OnStart: func(context.Context) error {
			listener, err := listen(cfg.HTTPConfig, log)
			if err != nil {
				return err
			}
			go func() {
				if err := server.Serve(listener); err != nil {
					failed <- fmt.Errorf("http: %w", err)
				}
			}()
			log.Info("userfarm is serving", "address", "http://"+listener.Addr().String(), "store", storeName(cfg))
			return nil
		},
		OnStop: func(ctx context.Context) error {
			log.Info("userfarm is stopping: requests that are under way are answered")
			ctx, cancel := context.WithTimeout(ctx, drainTimeout)
			defer cancel()
			return server.Shutdown(ctx)
		},
	})
}

// listen refuses addresses that others can reach, because there are no API keys yet that would keep them out.
func listen(cfg HTTPConfig, log *slog.Logger) (net.Listener, error) {
	address, err := net.ResolveTCPAddr("tcp", cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("--listen: %w", err)
	}
	switch {
	case address.IP.IsLoopback():
		log.Warn("the farm has no API key: every program on this machine may use it and read every password")
	case cfg.Insecure:
		log.Warn("--insecure: the farm has no API key, and whoever reaches its address may read every password")
	default:
		return nil, errors.New("the farm has no API key, so it does not serve on " + cfg.Listen +
			", where others could read every password: listen on 127.0.0.1, or allow it with --insecure")
	}
	listener, err := net.ListenTCP("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("--listen: %w", err)
	}
	return listener, nil
}

func storeName(cfg Config) string {
	where, _ := parseStoreURL(cfg.Store) // was parsed before
	return where.String()
}
