package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/userfarm/userfarm/adapters/postgres/postgrestest"
	"github.com/userfarm/userfarm/adapters/sealing"
)

// binary is the path of the program under test.
var binary string

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "userfarm")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "userfarm")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
		return 1
	}
	if err := os.Setenv("XDG_CONFIG_HOME", filepath.Join(dir, "settings")); err != nil { // nobody's profiles
		panic(err)
	}
	return postgrestest.Main{M: m}.Run()
}

const project = "3b0f2f4e-9f0c-4a39-8f0e-0c9d5a3f7a11"

const newUser = `{"login":"ann","password":"hunter2","project_id":"` + project + `","env":"stage","domain":"regular"}`

func TestServeNeedsNoSettings(t *testing.T) {
	dir := t.TempDir()
	farm := serve(t, dir)

	if status, body := farm.post("/v1/users", newUser); status != http.StatusCreated {
		t.Errorf("create user = %d %s", status, body)
	}
	for _, file := range []string{"userfarm.db", "userfarm.key"} {
		if info, err := os.Stat(filepath.Join(dir, file)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: want a file of mode 0600, got %v (%v)", file, info, err)
		}
	}
	if !strings.Contains(farm.output.String(), `"level":"WARN","msg":"the farm has no API key`) {
		t.Errorf("no warning that the farm is open:\n%s", farm.output)
	}
	if strings.Contains(farm.output.String(), "hunter2") {
		t.Error("the log has a password")
	}
}

func TestServeStopsOnASignal(t *testing.T) {
	farm := serve(t, t.TempDir())
	farm.signal(syscall.SIGTERM)
	if code := farm.wait(); code != 0 {
		t.Errorf("exit code after SIGTERM = %d, want 0\n%s", code, farm.output)
	}
}

func TestASecondSignalEndsServeAtOnce(t *testing.T) {
	farm := serve(t, t.TempDir())
	connection, err := net.Dial("tcp", farm.address)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	// A request that never ends delays the stop of the farm.
	fmt.Fprintf(connection, "POST /v1/users HTTP/1.1\r\nHost: farm\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n")
	// The farm waits only for a request that it has begun to read.
	if _, err := connection.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}

	// The farm handles the first signal a moment after it arrives, and a second signal before that has no effect. So send signals
	// until it ends.
	for ended := false; !ended; {
		farm.signal(syscall.SIGTERM)
		select {
		case <-farm.exited:
			ended = true
		case <-time.After(50 * time.Millisecond):
		}
	}
	if code := farm.wait(); code != -1 {
		t.Errorf("exit code = %d, want an end by the signal\n%s", code, farm.output)
	}
}

func TestAnAnsweredLeaseSurvivesAKill(t *testing.T) {
	for name, newStore := range stores {
		t.Run(name, func(t *testing.T) {
			dir, settings := t.TempDir(), newStore(t)
			farm := serve(t, dir, settings...)
			farm.post("/v1/users", newUser)
			before := acquire(t, farm)
			farm.signal(syscall.SIGKILL)
			farm.wait()

			farm = serve(t, dir, settings...)
			if status, body := farm.post("/v1/leases", wanted); status != http.StatusConflict {
				t.Errorf("the user was handed out twice: %d %s", status, body)
			}
			if status, body := farm.post("/v1/leases/"+before.LeaseID+"/release", ""); status != http.StatusNoContent {
				t.Errorf("release after the restart = %d %s", status, body)
			}
			after := acquire(t, farm)
			if after.Users[0].Fence != before.Users[0].Fence+1 {
				t.Errorf("fence went from %d to %d", before.Users[0].Fence, after.Users[0].Fence)
			}
			if after.Users[0].Password != "hunter2" {
				t.Error("the password did not survive")
			}
		})
	}
}

func TestServeFailsWithAReason(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	keyFile, otherKey := writeKey(t), writeKey(t)
	sealed := t.TempDir()
	first := serve(t, sealed)
	inUse := filepath.Join(sealed, "userfarm.db")
	notDatabase := filepath.Join(t.TempDir(), "notes.txt")
	if err := os.WriteFile(notDatabase, bytes.Repeat([]byte("a note\n"), 100), 0o600); err != nil {
		t.Fatal(err)
	}

	for name, test := range map[string]struct {
		args []string
		code int
		says []string
	}{
		"a taken port": {
			[]string{"serve", "--store", "memory:", "--listen", taken.Addr().String()}, 1,
			[]string{"--listen", "address already in use"},
		},
		"an address that others can reach": {
			[]string{"serve", "--store", "memory:", "--listen", "0.0.0.0:0"}, 1,
			[]string{"no API key", "userfarm keys create --role admin", "--admin-key-file", "--insecure"},
		},
		"a malformed admin key": {
			[]string{"serve", "--store", "memory:", "--admin-key-file", notDatabase}, 1,
			[]string{"--admin-key-file", "notes.txt", "malformed API key"},
		},
		"a malformed certificate": {
			[]string{"serve", "--store", "memory:", "--tls-cert", notDatabase, "--tls-key", notDatabase}, 1,
			[]string{"--tls-cert", "notes.txt"},
		},
		"a certificate without its key": {[]string{"serve", "--tls-cert", notDatabase}, 2, []string{"--tls-cert", "--tls-key"}},
		"an unreachable database": {
			[]string{"serve", "--store", "postgres://farm:opensesame@127.0.0.1:1/farm", "--encryption-key-file", keyFile}, 1,
			[]string{"127.0.0.1:1", "refused"},
		},
		"PostgreSQL without a key": {
			[]string{"serve", "--store", "postgres://127.0.0.1:1/farm"}, 1,
			[]string{"--encryption-key-file", "openssl rand -base64 32"},
		},
		"a missing key file": {
			[]string{"serve", "--encryption-key-file", filepath.Join(sealed, "none")}, 1,
			[]string{"none", "no such file"},
		},
		"a file in use": {
			[]string{"serve", "--store", "sqlite:" + inUse}, 1,
			[]string{"userfarm.db", "in use"},
		},
		"a missing folder": {
			[]string{"serve", "--store", "sqlite:" + filepath.Join(sealed, "none", "farm.db")}, 1,
			[]string{"--store", filepath.Join(sealed, "none"), "no such file or directory"},
		},
		"a file that is not a database": {
			[]string{"serve", "--store", "sqlite:" + notDatabase}, 1,
			[]string{"notes.txt", "not a database"},
		},
		"an unknown flag":         {[]string{"serve", "--fast"}, 2, []string{"--fast"}},
		"an unknown command":      {[]string{"sow"}, 2, []string{"sow"}},
		"an unknown store":        {[]string{"serve", "--store", "mysql://root:opensesame@db/farm"}, 2, []string{"--store", "sqlite:FILE"}},
		"no time to live":         {[]string{"serve", "--lease-ttl", "0s"}, 2, []string{"--lease-ttl", "1s"}},
		"a maximum below default": {[]string{"serve", "--max-lease-ttl", "1m"}, 2, []string{"--max-lease-ttl", "15m"}},
		"migrating memory":        {[]string{"migrate", "--store", "memory:"}, 1, []string{"memory"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := start(t, t.TempDir(), test.args...)
			if code := p.wait(); code != test.code {
				t.Errorf("exit code = %d, want %d", code, test.code)
			}
			problem := p.problem()
			for _, words := range test.says {
				if !strings.Contains(problem, words) {
					t.Errorf("the output does not contain %q:\n%s", words, problem)
				}
			}
			if strings.Contains(p.output.String(), "opensesame") {
				t.Error("the output contains the database's password")
			}
		})
	}

	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(notDatabase), "*.key")); len(left) > 0 {
		t.Errorf("a key file was left behind for a file that is not a database: %v", left)
	}
	t.Run("another key", func(t *testing.T) {
		first.post("/v1/users", newUser)
		first.signal(syscall.SIGTERM)
		first.wait()
		p := start(t, sealed, "serve", "--encryption-key-file", otherKey)
		if code := p.wait(); code != 1 || !strings.Contains(p.problem(), otherKey) {
			t.Errorf("exit code = %d: %s", code, p.problem())
		}
	})
	t.Run("the key file was lost", func(t *testing.T) {
		lost := filepath.Join(sealed, "userfarm.key")
		if err := os.Remove(lost); err != nil {
			t.Fatal(err)
		}
		p := start(t, sealed, "serve")
		if code := p.wait(); code != 1 || !strings.Contains(p.problem(), "userfarm.key") {
			t.Errorf("exit code = %d: %s", code, p.problem())
		}
		if strings.Contains(p.output.String(), "back it up") {
			t.Error("the message asks for a backup of a key that was removed")
		}
		if _, err := os.Stat(lost); err == nil {
			t.Error("a new key file was left behind: it can't replace the lost one")
		}
	})
}

func TestServeStartsAfterMigrate(t *testing.T) {
	dir := t.TempDir()
	if p := start(t, dir, "migrate"); p.wait() != 0 {
		t.Fatalf("migrate failed:\n%s", p.output)
	}
	serve(t, dir)
}

func TestHealthcheckReportsAFarmThatIsReady(t *testing.T) {
	farm := serve(t, t.TempDir())
	if p := start(t, t.TempDir(), "healthcheck", "--listen", farm.address); p.wait() != 0 {
		t.Errorf("healthcheck of a farm that is ready failed:\n%s", p.output)
	}
	if p := start(t, t.TempDir(), "healthcheck", "--listen", freeAddress(t)); p.wait() != 1 {
		t.Errorf("healthcheck without a farm = %d, want 1", p.wait())
	}
}

func TestHelpIsPrintedAndSucceeds(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"serve", "--help"}} {
		p := start(t, t.TempDir(), args...)
		if code := p.wait(); code != 0 || p.output.String() == "" {
			t.Errorf("%v = %d:\n%s", args, code, p.output)
		}
	}
}

const wanted = `{"users":[{"project_id":"` + project + `","env":"stage"}],"owner":"test"}`

type lease struct {
	LeaseID string `json:"lease_id"`
	Users   []struct {
		Password string `json:"password"`
		Fence    uint64 `json:"fence"`
	} `json:"users"`
}

func acquire(t *testing.T, farm *process) lease {
	t.Helper()
	status, body := farm.post("/v1/leases", wanted)
	if status != http.StatusCreated {
		t.Fatalf("acquire = %d %s", status, body)
	}
	var l lease
	if err := json.Unmarshal([]byte(body), &l); err != nil {
		t.Fatal(err)
	}
	return l
}

func writeKey(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "farm.key")
	if err := sealing.CreateKeyFile(path); err != nil {
		t.Fatal(err)
	}
	return path
}
