package boot_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/fx"

	"github.com/userfarm/userfarm/app/boot"
)

func TestEveryStoreOpens(t *testing.T) {
	for _, store := range []string{"memory:", "sqlite:farm.db", "postgres://farm@127.0.0.1/farm"} {
		if err := fx.ValidateApp(boot.Options(t.Context(), config(store))); err != nil {
			t.Errorf("%s: %v", store, err)
		}
	}
}

func TestRunServesUntilItsContextEnds(t *testing.T) {
	for _, store := range []string{"memory:", "sqlite:" + filepath.Join(t.TempDir(), "farm.db")} {
		t.Run(store[:6], func(t *testing.T) {
			cfg := config(store)
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- boot.Run(ctx, cfg) }()
			waitUntilReady(t, cfg.Listen, ended)

			stop()
			if err := <-ended; err != nil {
				t.Errorf("run = %v", err)
			}
			if _, err := net.Dial("tcp", cfg.Listen); err == nil {
				t.Error("the port is still open")
			}
		})
	}
}

func TestRunReturnsOnlyTheCause(t *testing.T) {
	cfg := config("sqlite:" + filepath.Join(t.TempDir(), "none", "farm.db"))
	err := boot.Run(t.Context(), cfg)
	if err == nil || strings.Contains(err.Error(), "fx") || strings.Contains(err.Error(), "function") || strings.Contains(err.Error(), "\n") {
		t.Errorf("run = %v, want one line without fx's description", err)
	}
}

func TestAnInvalidConfigIsRejected(t *testing.T) {
	for says, change := range map[string]func(*boot.Config){
		"--store":           func(c *boot.Config) { c.Store = "mysql://root:opensesame@db/farm" },
		"--lease-ttl":       func(c *boot.Config) { c.LeaseTTL = time.Millisecond },
		"--max-lease-ttl":   func(c *boot.Config) { c.MaxLeaseTTL = time.Minute },
		"--history":         func(c *boot.Config) { c.History = time.Second },
		"--legacy-lock-ttl": func(c *boot.Config) { c.LegacyLockTTL = -time.Second },

		"--tls-cert and --tls-key":  func(c *boot.Config) { c.TLSCert = "cert.pem" },
		"--tls-key must":            func(c *boot.Config) { c.TLSKey = "key.pem" },
		"--max-requests-per-second": func(c *boot.Config) { c.MaxRequestsPerSecond = -1 },
		"--max-waiting":             func(c *boot.Config) { c.MaxWaiting = 0 },
		"--max-connections":         func(c *boot.Config) { c.MaxConnections = 0 },
		"connections must be":       func(c *boot.Config) { c.MaxConnections = 1_000_000 },
		"--read-timeout":            func(c *boot.Config) { c.ReadTimeout = 0 },
		"--write-timeout":           func(c *boot.Config) { c.WriteTimeout = 0 },
		"--idle-timeout":            func(c *boot.Config) { c.IdleTimeout = -time.Second },
	} {
		cfg := config("memory:")
		change(&cfg)
		if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "opensesame") {
			t.Errorf("validate = %v, want it to name %s and no secret", err, says)
		}
	}
	if err := config("memory:").Validate(); err != nil {
		t.Errorf("a valid configuration: %v", err)
	}
}

func config(store string) boot.Config {
	return boot.Config{
		HTTPConfig: boot.HTTPConfig{Listen: freeAddress()},
		LimitsConfig: boot.LimitsConfig{
			MaxWaiting: 10, MaxConnections: 10, ReadTimeout: time.Second, WriteTimeout: time.Second, IdleTimeout: time.Second,
		},
		StoreConfig: boot.StoreConfig{Store: store},
		LogConfig:   boot.LogConfig{LogLevel: "error", LogFormat: "json"},
		LeaseTTL:    15 * time.Minute,
		MaxLeaseTTL: 24 * time.Hour,
		History:     time.Hour,
	}
}

func freeAddress() string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

func waitUntilReady(t *testing.T, address string, ended <-chan error) {
	t.Helper()
	for range 3000 {
		select {
		case err := <-ended:
			t.Fatal(errors.Join(errors.New("the farm ended before it was ready"), err))
		case <-time.After(10 * time.Millisecond):
		}
		if response, err := http.Get("http://" + address + "/readyz"); err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return
			}
		}
	}
	t.Fatal("the farm did not become ready")
}
