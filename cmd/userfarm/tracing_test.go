//go:build unix

package main_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/userfarm/userfarm/adapters/postgres/postgrestest"
)

// TestAWaitCanBeSeenInATrace follows an acquire that waits until another test releases the user.
func TestAWaitCanBeSeenInATrace(t *testing.T) {
	for name, test := range map[string]struct {
		settings func(*testing.T) []string
		system   string // empty if nothing is committed
	}{
		"memory": {func(*testing.T) []string { return []string{"--store", "memory:"} }, ""},
		"sqlite": {func(*testing.T) []string { return nil }, "sqlite"},
		"postgres": {func(t *testing.T) []string {
			return []string{"--store", postgrestest.Shared(t).NewDatabase(t), "--encryption-key-file", writeKey(t)}
		}, "postgresql"},
	} {
		t.Run(name, func(t *testing.T) {
			sent := newCollector(t)
			t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=ci")
			farm := serve(t, t.TempDir(), append([]string{"--log-level", "debug"}, test.settings(t)...)...)
			farm.add("admin")
			acquire := func(trace string, wait int) (lease string) {
				body := fmt.Sprintf(`{"users":[{"env":"stage"}],"owner":"ci","wait_seconds":%d}`, wait)
				status, answer, err := farm.send("POST", "/v1/leases", body, "Traceparent", asked(trace))
				var got struct {
					LeaseID string `json:"lease_id"`
				}
				if json.Unmarshal([]byte(answer), &got); err != nil || status != http.StatusCreated {
					t.Errorf("acquire = %d %s (%v)", status, answer, err)
				}
				return got.LeaseID
			}
			held, granted := acquire(holderTrace, 0), make(chan string)
			go func() { granted <- acquire(waiterTrace, 30) }()
			until(t, "the waiter is in line", func() bool { return farm.api("/v1/line")["total"] == 1.0 })
			if status, answer, err := farm.send("POST", "/v1/leases/"+held+"/release", "", "traceparent", asked(releaseTrace)); status != http.StatusNoContent {
				t.Errorf("release = %d %s (%v)", status, answer, err)
			}
			<-granted
			farm.signal(syscall.SIGTERM)
			if code := farm.wait(); code != 0 {
				t.Errorf("exit code %d", code)
			}

			request := sent.one(waiterTrace, "POST /v1/leases")
			if want := map[string]string{
				"http.request.method": "POST", "http.route": "/v1/leases", "http.response.status_code": "201", "url.scheme": "http",
			}; request.parent != callerSpan || !maps.Equal(request.attributes, want) {
				t.Errorf("the request has the parent %s and the attributes %v, want %s and %v", request.parent, request.attributes, callerSpan, want)
			}
			wait := sent.one(waiterTrace, "wait in line")
			if want := map[string]string{"userfarm.wait.outcome": "granted"}; wait.parent != request.id || !maps.Equal(wait.attributes, want) {
				t.Errorf("the wait has the parent %s and the attributes %v, want the request and %v", wait.parent, wait.attributes, want)
			}
			release := sent.one(releaseTrace, "POST /v1/leases/:lease_id/release")
			if test.system == "" {
				if commits := sent.all("commit"); len(commits) > 0 {
					t.Errorf("memory has %d commits", len(commits))
				}
			} else {
				commit := sent.one(releaseTrace, "commit")
				if want := map[string]string{"db.system.name": test.system, "userfarm.commit.operations": "1"}; commit.parent != release.id ||
					!maps.Equal(commit.attributes, want) {
					t.Errorf("the commit has the parent %s and the attributes %v, want the release and %v", commit.parent, commit.attributes, want)
				}
				commits := slices.DeleteFunc(sent.all("commit"), func(s span) bool { return s.traceID != waiterTrace || s.parent != wait.id })
				if len(commits) == 0 || commits[len(commits)-1].EndTimeUnixNano > wait.EndTimeUnixNano {
					t.Errorf("the wait has %d commits, or ended before them", len(commits))
				}
			}
			if got := sent.resources[0]; got["service.name"] != "userfarm" || got["deployment.environment.name"] != "ci" {
				t.Errorf("the resource is %v", got)
			}
			if line := `"trace_id":"` + waiterTrace + `","traceparent":"00-` + waiterTrace + "-" + request.id + `-01"`; !strings.Contains(farm.output.String(), line) {
				t.Errorf("the log has no %s", line)
			}
		})
	}
}

func TestTracesNameTheServiceAsTheOperatorDoes(t *testing.T) {
	sent := newCollector(t)
	t.Setenv("OTEL_SERVICE_NAME", "farm-of-the-shop")
	farm := serve(t, t.TempDir(), "--store", "memory:")
	farm.get("/v1/pools")
	farm.signal(syscall.SIGTERM)
	farm.wait()
	if len(sent.resources) == 0 || sent.resources[0]["service.name"] != "farm-of-the-shop" {
		t.Errorf("the resources are %v", sent.resources)
	}
}

func TestNothingIsTracedUnlessTheOperatorWantsIt(t *testing.T) {
	for name, variables := range map[string][]string{
		"disabled":    {"OTEL_SDK_DISABLED", "true"},
		"no exporter": {"OTEL_TRACES_EXPORTER", "none"},
		"no sampling": {"OTEL_TRACES_SAMPLER", "always_off"},
		"no endpoint": {"OTEL_EXPORTER_OTLP_ENDPOINT", ""},
	} {
		t.Run(name, func(t *testing.T) {
			sent := newCollector(t)
			t.Setenv(variables[0], variables[1])
			farm := serve(t, t.TempDir(), "--log-level", "debug")
			if status, answer, err := farm.send("GET", "/v1/pools", "", "traceparent", asked(holderTrace)); status != http.StatusOK {
				t.Errorf("GET /v1/pools = %d %s (%v)", status, answer, err)
			}
			farm.signal(syscall.SIGTERM)
			farm.wait()
			if len(sent.received) > 0 {
				t.Errorf("%d bytes were sent", len(sent.received))
			}
			if !strings.Contains(farm.output.String(), `"trace_id":"`+holderTrace+`"`) {
				t.Error("the log lacks the trace of the caller")
			}
		})
	}
}

func TestAVariableThatCanNotBeUsedIsNamedInTheLog(t *testing.T) {
	for name, test := range map[string]struct{ variable, value, says string }{
		"a header without a name":      {"OTEL_EXPORTER_OTLP_HEADERS", "hunter2", "parse headers"},
		"a time without a number":      {"OTEL_EXPORTER_OTLP_TIMEOUT", "hunter2", "parse duration"},
		"an unknown sampler":           {"OTEL_TRACES_SAMPLER", "sometimes", "unsupported sampler"},
		"an attribute without a value": {"OTEL_RESOURCE_ATTRIBUTES", "team", "partial resource"},
	} {
		t.Run(name, func(t *testing.T) {
			sent := newCollector(t)
			t.Setenv(test.variable, test.value)
			farm := serve(t, t.TempDir(), "--store", "memory:")
			farm.get("/v1/pools")
			farm.signal(syscall.SIGTERM)
			farm.wait()
			if text := farm.output.String(); !strings.Contains(text, test.says) || strings.Contains(text, "hunter2") {
				t.Errorf("want a log that says %q, without what may be a password, got\n%s", test.says, text)
			}
			for line := range strings.Lines(farm.output.String()) {
				if !strings.HasPrefix(line, "{") {
					t.Errorf("%s is not a line of the log", line)
				}
			}
			if len(sent.all("GET /v1/pools")) != 1 {
				t.Error("the request is not traced")
			}
		})
	}
}

// TestACollectorThatIsAwayHarmsNothing checks that a farm serves, and stops, as without one.
func TestACollectorThatIsAwayHarmsNothing(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusForbidden) }))
	defer refusing.Close()
	for name, test := range map[string]struct {
		endpoint, protocol string
		says               string
	}{
		"nobody listens":          {"http://" + freeAddress(t), "", "traces can't be sent"},
		"nobody listens to gRPC":  {"http://" + freeAddress(t), "grpc", "the last traces were not sent"},
		"it never answers":        {"http://" + silent.Addr().String(), "", "the last traces were not sent"},
		"it never answers gRPC":   {"http://" + silent.Addr().String(), "grpc", "the last traces were not sent"},
		"it refuses":              {refusing.URL, "", "traces can't be sent"},
		"its address is wrong":    {"http://:password@", "", "OTEL_EXPORTER_OTLP_ENDPOINT is no URL"},
		"its protocol is unknown": {"http://" + freeAddress(t), "smoke", "OTEL_EXPORTER_OTLP_PROTOCOL is none of"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", test.endpoint)
			t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", test.protocol)
			t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "10") // milliseconds
			farm := serve(t, t.TempDir(), "--store", "memory:")
			for range 3000 { // more than are kept
				if status := farm.get("/v1/pools"); status != http.StatusOK {
					t.Fatalf("GET /v1/pools = %d", status)
				}
			}
			farm.signal(syscall.SIGTERM)
			select {
			case <-farm.exited:
			case <-time.After(30 * time.Second):
				t.Fatal("the farm does not stop")
			}
			if code := farm.wait(); code != 0 {
				t.Errorf("exit code %d", code)
			}
			if text := farm.output.String(); !strings.Contains(text, test.says) || strings.Count(text, "traces can't be sent") > 1 {
				t.Errorf("want a log that says %q, and that traces can't be sent at most once, got\n%s", test.says, text)
			}
			if strings.Contains(farm.output.String(), "password@") {
				t.Error("the log has the password of the collector")
			}
		})
	}
}
