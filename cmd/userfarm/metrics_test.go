package main_test

import (
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/userfarm/userfarm/adapters/postgres/postgrestest"
)

// metricsAt returns the status and the page of an address that serves only metrics.
func metricsAt(t *testing.T, address string) (int, string) {
	t.Helper()
	client := http.Client{Timeout: 5 * time.Second}
	response, err := client.Get("http://" + address + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	page, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(page)
}

func wantLines(t *testing.T, page string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains(page, "\n"+line+"\n") {
			t.Errorf("the page has no line %s", line)
		}
	}
}

func TestMetricsNeedAnAPIKeyExceptAtTheirOwnAddress(t *testing.T) {
	dir, address := t.TempDir(), freeAddress(t)
	viewer := strings.TrimSpace(mustExecute(t, dir, "keys", "create", "--role", "viewer", "--name", "prometheus"))
	farm := serve(t, dir, "--metrics-listen", address)
	if status := farm.get("/metrics"); status != http.StatusUnauthorized {
		t.Errorf("without a key /metrics = %d, want 401", status)
	}
	farm.key = viewer
	status, page, err := farm.send("GET", "/metrics", "")
	if err != nil || status != http.StatusOK {
		t.Errorf("with the key of a viewer /metrics = %d (%v), want 200", status, err)
	}
	wantLines(t, page, "userfarm_store_up 1", "userfarm_waiting 0")

	status, page = metricsAt(t, address)
	if status != http.StatusOK {
		t.Errorf("at the own address /metrics = %d, want 200", status)
	}
	wantLines(t, page, `userfarm_http_request_duration_seconds_count{method="GET",route="/metrics",status="401"} 1`)
	for _, path := range []string{"/", "/v1/users", "/healthz", "/metrics/", "/get_users"} {
		response, err := http.Get("http://" + address + path)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusNotFound {
			t.Errorf("at the address for metrics %s = %d, want 404", path, response.StatusCode)
		}
	}
	farm.signal(syscall.SIGTERM)
	if code := farm.wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if conn, err := net.Dial("tcp", address); err == nil {
		conn.Close()
		t.Error("the port for metrics is still open")
	}
}

func TestAnAddressForMetricsThatIsTakenIsNamedByItsFlag(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, address := range []string{taken.Addr().String(), "here"} {
		farm := start(t, t.TempDir(), "serve", "--listen", freeAddress(t), "--metrics-listen", address)
		if code := farm.wait(); code != 1 || !strings.Contains(farm.problem(), "--metrics-listen: ") {
			t.Errorf("exit code %d:\n%s", code, farm.output)
		}
	}
}

func TestMetricsSayThatTheDatabaseIsAway(t *testing.T) {
	server := postgrestest.Start(t)
	address := freeAddress(t)
	farm := serve(t, t.TempDir(), "--store", server.NewDatabase(t), "--encryption-key-file", writeKey(t), "--metrics-listen", address)
	if status, body := farm.post("/v1/users", newUser); status != http.StatusCreated {
		t.Fatalf("create user = %d %s", status, body)
	}
	const users = `userfarm_users{domain="regular",env="stage",project_id="` + project + `",status="free"} 1`
	_, page := metricsAt(t, address)
	wantLines(t, page, "userfarm_store_up 1", users)

	server.Stop()
	time.Sleep(time.Second) // counts are used for so long
	status, page := metricsAt(t, address)
	wantLines(t, page, "userfarm_store_up 0", `userfarm_events_total{kind="created"} 1`)
	if status != http.StatusOK || strings.Contains(page, "userfarm_users") || strings.Contains(page, "userfarm_waiting") {
		t.Errorf("/metrics = %d, with counts of a store that is away:\n%s", status, page)
	}
	server.Resume(t)
	for range 1000 {
		if _, page = metricsAt(t, address); strings.Contains(page, users) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("the database is back, and the metrics do not show it:\n%s", page)
}
