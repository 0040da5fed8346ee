package http_test

import (
	"fmt"
	"io"
	nethttp "net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/userfarm/userfarm/adapters/http"
	"github.com/userfarm/userfarm/adapters/http/internal/api"
	"github.com/userfarm/userfarm/adapters/memory"
	"github.com/userfarm/userfarm/domain"
)

// metricsPage is a page for Prometheus.
var metricsPage = nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4")
	_, _ = io.WriteString(w, "asked_for{accept=\""+r.Header.Get("Accept")+"\"} 1\n")
})

func TestTheMetricsAreServedAsTheHeaderAsks(t *testing.T) {
	f := newGuardedFarm(t)
	viewer := f.as(f.key(domain.Viewer))
	got := viewer.sendWith(nethttp.Header{"Accept": {"text/plain"}}, "GET", "/metrics", "").want(200)
	if got.body != "asked_for{accept=\"text/plain\"} 1\n" || got.header.Get("Content-Type") != "text/plain; version=0.0.4" {
		t.Errorf("got %s of %s", got.body, got.header.Get("Content-Type"))
	}
	if got.header.Get("Cache-Control") != "no-store" || got.header.Get("X-Request-Id") == "" {
		t.Errorf("got the header %v", got.header)
	}
	problem := f.as(f.key(domain.Admin, project(t, projectID))).get("/metrics").want(403).wantProblem(api.CodeForbidden)
	if want := "The metrics are about all projects, and the API key is limited to some."; problem.Detail != want {
		t.Errorf("got %q, want %q", problem.Detail, want)
	}
	newClient(t).get("/metrics").want(404).wantProblem(api.CodeNotFound) // a server without them
}

// answeredRequests are the requests of which a server told that it answered them.
type answeredRequests struct {
	mu  sync.Mutex
	all []string
}

func (a *answeredRequests) add(route, method string, status int, took time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if took < 0 {
		route = "back in time " + route
	}
	a.all = append(a.all, fmt.Sprint(method, " ", route, " ", status))
}

func (a *answeredRequests) sorted() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Sorted(slices.Values(a.all))
}

// A path may have a lease id, and anybody can ask for any number of paths and methods.
func TestEachAnswerIsToldOnceByItsRoute(t *testing.T) {
	var told answeredRequests
	store := memory.New()
	c := serve(t, mustServe(http.New(openGate{mustFarm(store, settings)}, store,
		http.Settings{Limits: http.DefaultLimits(), Answered: told.add}, newLog())))
	c.get("/v1/leases/" + someID).want(404)
	c.get("/v1/users?login=alice").want(200)
	c.post("/v1/leases", `{"users":[{"env":"secret"}]}`).want(404)
	c.send("HEAD", "/healthz", "").want(200)
	c.get("/nothing/" + someID).want(404)
	c.get("/%25zz").want(404)
	c.send("DELETE", "/v1/leases/"+someID, "").want(405)
	c.send("BREW", "/v1/leases", "").want(405)
	c.post("/v1/leases/"+someID+"/release", strings.Repeat("x", 1<<20+1)).want(413)
	c.http.CheckRedirect = func(*nethttp.Request, []*nethttp.Request) error { return nethttp.ErrUseLastResponse }
	c.get("/").want(302)

	want := []string{
		"DELETE none 405", "GET / 302", "GET /v1/leases/:lease_id 404", "GET /v1/users 200", "GET none 404", "GET none 404",
		"HEAD /healthz 200", "POST /v1/leases 404", "none none 405", "none none 413",
	}
	if got := told.sorted(); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
