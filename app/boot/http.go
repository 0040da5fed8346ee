package boot

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"

	"go.uber.org/fx"

	"github.com/userfarm/userfarm/adapters/http"
	"github.com/userfarm/userfarm/app"
)

// serve opens the port when the farm starts, unless the exposure forbids it, and drains the requests when the farm stops.
func serve(
	lc fx.Lifecycle, failed failures, server *http.Server, farm *app.Farm, gate *app.Gate, exposed exposure, cfg Config,
	log *slog.Logger,
) {
	lc.Append(fx.Hook{
		OnStart: func(ctx context.Context) error {
			if err := admitAdmin(ctx, cfg.AccessConfig, farm, log); err != nil {
				return err
			}
			hasKeys, err := gate.HasKeys(ctx)
			if err != nil {
				return err
			}
			if err := exposed.check(hasKeys, log); err != nil {
				return err
			}
			listener, err := listen(exposed.address, cfg.HTTPConfig, log)
			if err != nil {
				return err
			}
			go func() {
				if err := server.Serve(listener); err != nil {
					failed <- fmt.Errorf("http: %w", err)
				}
			}()
			log.Info("userfarm is serving", "address", cfg.scheme()+"://"+listener.Addr().String(), "store", storeName(cfg))
			return nil
		},
		OnStop: func(ctx context.Context) error {
			log.Info("userfarm is stopping: it answers the requests in progress first")
			ctx, cancel := context.WithTimeout(ctx, drainTimeout)
			defer cancel()
			return server.Shutdown(ctx)
		},
	})
}

// listen opens the port, with TLS if a certificate is set.
func listen(address *net.TCPAddr, cfg HTTPConfig, log *slog.Logger) (net.Listener, error) {
	var secure *tls.Config
	if cfg.TLSCert != "" {
		var err error
		if secure, err = http.TLSConfig(cfg.TLSCert, cfg.TLSKey, log); err != nil {
			return nil, fmt.Errorf("--tls-cert: %w", err)
		}
		warnIfReadable(log, "the private key of the TLS certificate", cfg.TLSKey)
	}
	listener, err := net.ListenTCP("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("--listen: %w", err)
	}
	if secure == nil {
		return listener, nil
	}
	return tls.NewListener(listener, secure), nil
}

func (c HTTPConfig) scheme() string {
	if c.TLSCert == "" {
		return "http"
	}
	return "https"
}

func storeName(cfg Config) string {
	where, _ := parseStoreURL(cfg.Store) // the URL was validated before
	return where.String()
}
