package boot_test

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/userfarm/userfarm/app/boot"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

func TestTheConfiguredKeyIsTheFirstAdminKey(t *testing.T) {
	token := domain.NewToken()
	for name, give := range map[string]func(t *testing.T, cfg *boot.Config){
		"in a file": func(t *testing.T, cfg *boot.Config) { cfg.AdminKeyFile = writeFile(t, token.Reveal()+"\r\n") },
		"in the environment": func(t *testing.T, _ *boot.Config) {
			t.Setenv("USERFARM_ADMIN_KEY", token.Reveal())
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := config("sqlite:" + filepath.Join(t.TempDir(), "farm.db"))
			give(t, &cfg)
			for range 2 { // at the second start, the key is in the store
				stop := run(t, cfg)
				if status := statusOf(t, cfg.Listen, domain.Token{}); status != http.StatusUnauthorized {
					t.Errorf("without a key: %d", status)
				}
				if status := statusOf(t, cfg.Listen, token); status != http.StatusOK {
					t.Errorf("with it: %d", status)
				}
				stop()
			}
			keys := keysOf(t, cfg.StoreConfig)
			if len(keys) != 1 || keys[0].Role != domain.Admin || keys[0].Scope.Limited || !keys[0].ExpiresAt.IsZero() {
				t.Errorf("keys = %+v, want one admin key for all projects", keys)
			}
			if keys[0].LastUsedAt.IsZero() {
				t.Error("the use of the key was not stored at the stop")
			}
		})
	}
}

func TestAMalformedAdminKeyIsRejectedAndNotQuoted(t *testing.T) {
	good := domain.NewToken().Reveal()
	for name, bad := range map[string]string{
		"cut off":      good[:len(good)-1],
		"mistyped":     good[:len(good)-1] + "1",
		"a password":   "opensesame-opensesame",
		"two":          good + "\n" + good,
		"nothing":      "",
		"in uppercase": strings.ToUpper(good),
	} {
		t.Run(name, func(t *testing.T) {
			cfg := config("memory:")
			cfg.AdminKeyFile = writeFile(t, bad)
			err := boot.Run(t.Context(), cfg)
			wantRefusal(t, err, bad, "--admin-key-file", "malformed API key")
			if bad == "" {
				return
			}
			cfg.AdminKeyFile = ""
			t.Setenv("USERFARM_ADMIN_KEY", bad)
			wantRefusal(t, cfg.Validate(), bad, "USERFARM_ADMIN_KEY", "malformed API key")
		})
	}
	t.Run("given twice", func(t *testing.T) {
		cfg := config("memory:")
		cfg.AdminKeyFile = writeFile(t, good)
		t.Setenv("USERFARM_ADMIN_KEY", good)
		wantRefusal(t, cfg.Validate(), good, "--admin-key-file", "USERFARM_ADMIN_KEY")
	})
	t.Run("a missing file", func(t *testing.T) {
		cfg := config("memory:")
		cfg.AdminKeyFile = filepath.Join(t.TempDir(), "none")
		wantRefusal(t, boot.Run(t.Context(), cfg), good, "--admin-key-file", "none")
	})
}

func TestAFarmThatMustNotServeDoesNotListen(t *testing.T) {
	cfg := config("sqlite:" + filepath.Join(t.TempDir(), "farm.db"))
	_, port, _ := net.SplitHostPort(cfg.Listen)
	taken, err := net.Listen("tcp", "127.0.0.1:"+port) // listening there would cause another error
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	cfg.Listen = "0.0.0.0:" + port
	wantRefusal(t, boot.Run(t.Context(), cfg), "in use", "no API key")

	if store, err := boot.Administer(t.Context(), cfg.StoreConfig, false); err != nil {
		t.Errorf("the store was not closed: %v", err)
	} else {
		store.Close()
	}
}

func wantRefusal(t *testing.T, err error, secret string, says ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	for _, word := range says {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%v does not contain %s", err, word)
		}
	}
	if len(secret) > 8 && strings.Contains(err.Error(), secret[len(secret)-8:]) {
		t.Errorf("%v quotes the secret", err)
	}
}

// run runs a farm until stop is called, or the test ends.
func run(t *testing.T, cfg boot.Config) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- boot.Run(ctx, cfg) }()
	waitUntilReady(t, cfg.Listen, ended)
	return func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run = %v", err)
		}
	}
}

func statusOf(t *testing.T, address string, token domain.Token) int {
	t.Helper()
	request, err := http.NewRequest(http.MethodGet, "http://"+address+"/v1/keys", nil)
	if err != nil {
		t.Fatal(err)
	}
	if !token.IsZero() {
		request.Header.Set("Authorization", "Bearer "+token.Reveal())
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode
}

func keysOf(t *testing.T, cfg boot.StoreConfig) []domain.KeyView {
	t.Helper()
	store, err := boot.Administer(t.Context(), cfg, false)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	keys, err := boot.APIKeys(store)
	if err != nil {
		t.Fatal(err)
	}
	page, err := keys.Keys(t.Context(), ports.KeyQuery{Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	return page.Keys
}

func writeFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "admin.key")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
