package main_test

import (
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestAFarmWhoseFileIsRenamedRefusesAndSaysSo(t *testing.T) {
	dir := t.TempDir()
	path, moved := filepath.Join(dir, "userfarm.db"), filepath.Join(dir, "moved.db")
	farm := serve(t, dir)
	if err := os.Rename(path, moved); err != nil {
		t.Fatal(err)
	}

	status, body := farm.post("/v1/users", newUser)
	if status != http.StatusServiceUnavailable || !strings.Contains(body, "a file of the SQLite database was removed or renamed") {
		t.Errorf("create = %d %s, want 503 and the reason", status, body)
	}
	if strings.Contains(body, dir) {
		t.Errorf("the answer has a path: %s", body)
	}
	if status := farm.get("/readyz"); status != http.StatusServiceUnavailable {
		t.Errorf("readyz = %d, want 503", status)
	}
	farm.awaitLog(`"level":"WARN","msg":"the store is unavailable`)
	if !strings.Contains(farm.output.String(), path) {
		t.Errorf("the log does not name the file:\n%s", farm.output)
	}
	if runtime.GOOS == "linux" { // elsewhere the lock is on the name
		for _, command := range []string{"serve", "migrate", "keys list"} {
			done := execute(t, dir, append(strings.Fields(command), "--store", "sqlite:"+moved, "--encryption-key-file", "userfarm.key")...)
			if done.code != 1 || !strings.Contains(done.stderr, "in use by another userfarm, which opened it by another name") {
				t.Errorf("%s of the file by its new name: exit code %d\n%s", command, done.code, done.stderr)
			}
		}
	}

	if err := os.Rename(moved, path); err != nil {
		t.Fatal(err)
	}
	farm.awaitLog(`"level":"INFO","msg":"the store is available again"`)
	if status, body := farm.post("/v1/users", newUser); status != http.StatusCreated {
		t.Errorf("create once the file is back = %d %s", status, body)
	}
}

// awaitLog waits until the farm has logged a text.
func (p *process) awaitLog(text string) {
	p.t.Helper()
	for deadline := time.Now().Add(time.Minute); !strings.Contains(p.output.String(), text); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			p.t.Fatalf("the log does not say %q:\n%s", text, p.output)
		}
	}
}
