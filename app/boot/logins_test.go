package boot_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/userfarm/userfarm/app/boot"
)

func TestAChangeOfHowLoginsAreComparedNamesTheDuplicates(t *testing.T) {
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	stderr := os.Stderr
	os.Stderr = log
	defer func() { os.Stderr = stderr }()

	cfg := config("sqlite:" + filepath.Join(t.TempDir(), "farm.db"))
	cfg.LogLevel, cfg.LoginsAreCaseSensitive = "warn", true
	running(t, cfg, func() {
		wantCreate(t, cfg, "ann", http.StatusOK)
		wantCreate(t, cfg, "Ann", http.StatusOK)
	})
	cfg.LoginsAreCaseSensitive = false
	running(t, cfg, func() { wantCreate(t, cfg, "ANN", http.StatusConflict) })
	logged, err := os.ReadFile(log.Name())
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(logged), `"users":1`); n != 1 || !strings.Contains(string(logged), `\"Ann\"`) {
		t.Errorf("the log has %d lines about the duplicate, want 1 that names it:\n%s", n, logged)
	}
}

func TestAFarmInMemoryComparesLoginsAsItsSettingSays(t *testing.T) {
	for sensitive, want := range map[bool]int{true: http.StatusOK, false: http.StatusConflict} {
		cfg := config("memory:")
		cfg.LoginsAreCaseSensitive = sensitive
		running(t, cfg, func() {
			wantCreate(t, cfg, "ann", http.StatusOK)
			wantCreate(t, cfg, "Ann", want)
		})
	}
}

// running calls do while a farm runs.
func running(t *testing.T, cfg boot.Config, do func()) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- boot.Run(ctx, cfg) }()
	waitUntilReady(t, cfg.Listen, ended)
	do()
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

func wantCreate(t *testing.T, cfg boot.Config, login string, want int) {
	t.Helper()
	body := fmt.Sprintf(`{"login":%q,"password":"x","domain":"d","env":"e","project_id":"5f2b6c1e-8d3a-4b7f-9c61-2a4e8f0d7b39"}`, login)
	response, err := http.Post("http://"+cfg.Listen+"/create_user", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != want {
		t.Errorf("creating %s answers %d, want %d", login, response.StatusCode, want)
	}
}
