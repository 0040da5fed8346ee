package main_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestTheBenchWritesOnlyItsResultToStandardOutput(t *testing.T) {
	farm := serve(t, t.TempDir(), "--store", "memory:")
	var stdout, stderr bytes.Buffer
	bench := exec.Command(binary, "bench", "--url", "http://"+farm.address,
		"--clients", "4", "--users", "20", "--for", "200ms", "--json")
	bench.Stdout, bench.Stderr = &stdout, &stderr
	if err := bench.Run(); err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	var result struct {
		Pairs    int64 `json:"pairs"`
		Overlaps int64 `json:"overlaps"`
	}
	if err := json.Unmarshal(stdout.Bytes(), &result); err != nil || result.Pairs == 0 || result.Overlaps != 0 {
		t.Errorf("result = %+v, %v:\n%s", result, err, &stdout)
	}
	wantNoUsers(t, farm)
}

func TestAnInterruptedBenchReports(t *testing.T) {
	farm := serve(t, t.TempDir(), "--store", "memory:")
	bench := start(t, t.TempDir(), "bench", "--url", "http://"+farm.address, "--clients", "4", "--users", "20", "--for", "1h")
	for !strings.Contains(bench.output.String(), "measuring") {
		select {
		case <-bench.exited:
			t.Fatalf("the bench ended:\n%s", bench.output)
		case <-time.After(10 * time.Millisecond):
		}
	}
	bench.signal(syscall.SIGTERM)
	if code := bench.wait(); code != 0 {
		t.Errorf("exit code = %d, want 0", code)
	}
	if !strings.Contains(bench.output.String(), "latency in ms") {
		t.Errorf("there is no report:\n%s", bench.output)
	}
	wantNoUsers(t, farm)
}

func TestABenchThatFailsGivesTheReason(t *testing.T) {
	for name, test := range map[string]struct {
		args []string
		code int
		says string
	}{
		"a farm on another machine": {[]string{"--url", "http://192.0.2.1:8000"}, 2, "--allow-remote"},
		"an invalid time":           {[]string{"--for", "soon"}, 2, "--for"},
		"a farm that is down":       {[]string{"--url", "http://" + freeAddress(t)}, 1, "connection refused"},
	} {
		t.Run(name, func(t *testing.T) {
			p := start(t, t.TempDir(), append([]string{"bench"}, test.args...)...)
			if code := p.wait(); code != test.code || !strings.Contains(p.output.String(), test.says) {
				t.Errorf("exit code = %d, want %d and %q:\n%s", code, test.code, test.says, p.output)
			}
		})
	}
}

func TestTheBenchRejectsAMalformedAPIKeyWithoutQuotingIt(t *testing.T) {
	t.Setenv("USERFARM_API_KEY", "opensesame")
	done := execute(t, t.TempDir(), "bench")
	if done.code != 2 || !strings.Contains(done.stderr, "USERFARM_API_KEY: malformed API key") ||
		strings.Contains(done.stderr, "opensesame") {
		t.Errorf("exit code = %d:\n%s", done.code, done.stderr)
	}
}

func wantNoUsers(t *testing.T, farm *process) {
	t.Helper()
	response, err := http.Get("http://" + farm.address + "/v1/users")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, _ := io.ReadAll(response.Body); !bytes.Contains(body, []byte(`"users":[]`)) {
		t.Errorf("users are left in the farm: %s", body)
	}
}
