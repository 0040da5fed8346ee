package bench

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	nethttp "net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/userfarm/userfarm/adapters/http"
	"github.com/userfarm/userfarm/adapters/memory"
	"github.com/userfarm/userfarm/app"
	"github.com/userfarm/userfarm/ports"
)

// startFarm serves an empty farm in memory without API keys until the test ends, and returns its URL.
func startFarm(t *testing.T) string {
	t.Helper()
	address, _ := startFarmWithKeys(t)
	return address
}

// startFarmWithKeys is startFarm for a test that creates API keys.
func startFarmWithKeys(t *testing.T) (address string, keys ports.Keys) {
	t.Helper()
	store := memory.New()
	farm, err := app.New(store, app.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	limits := http.DefaultLimits()
	limits.Rate = 0
	server, err := http.New(app.NewGate(farm, true), store, http.Settings{Limits: limits}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		nethttp.DefaultClient.CloseIdleConnections()
		if err := server.Shutdown(context.Background()); err != nil {
			t.Error("Shutdown:", err)
		}
		if err := <-served; err != nil {
			t.Error("Serve:", err)
		}
	})
	return "http://" + listener.Addr().String(), farm
}

// interceptor may answer a request instead of the farm. It returns false if the farm must answer. before is the number of earlier
// requests of the same kind.
type interceptor func(w nethttp.ResponseWriter, r *nethttp.Request, before int64) bool

// startProxy starts a proxy in front of the farm that calls intercept for every request.
func startProxy(t *testing.T, farm string, intercept interceptor) string {
	t.Helper()
	target, err := url.Parse(farm)
	if err != nil {
		t.Fatal(err)
	}
	transport := &nethttp.Transport{MaxIdleConnsPerHost: 100}
	t.Cleanup(transport.CloseIdleConnections)
	proxy := &httputil.ReverseProxy{
		Transport: transport,
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
	}
	var counts [4]atomic.Int64
	return startHandler(t, func(w nethttp.ResponseWriter, r *nethttp.Request) {
		if !intercept(w, r, counts[kindOfRequest(r)].Add(1)-1) {
			proxy.ServeHTTP(w, r)
		}
	})
}

func kindOfRequest(r *nethttp.Request) int {
	switch {
	case isAcquire(r):
		return 0
	case isRelease(r):
		return 1
	case r.Method == nethttp.MethodDelete:
		return 2
	default:
		return 3
	}
}

func isAcquire(r *nethttp.Request) bool { return r.URL.Path == "/v1/leases" }

func isRelease(r *nethttp.Request) bool { return strings.HasSuffix(r.URL.Path, "/release") }

func startHandler(t *testing.T, handle nethttp.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	return server.URL
}

// answer writes an answer as a farm does.
func answer(w nethttp.ResponseWriter, status int, body string) {
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

const (
	unavailable = `{"code":"store_unavailable","detail":"The database does not answer.","errors":[]}`
	invalid     = `{"code":"invalid","detail":"It breaks the rules.",` +
		`"errors":[{"pointer":"/env","detail":"is not known here"}]}`
)

// forget closes the connection without an answer, as if the farm had crashed.
func forget(t *testing.T, w nethttp.ResponseWriter) {
	t.Helper()
	connection, _, err := nethttp.NewResponseController(w).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	connection.Close()
}

// carryOut sends the request to the farm, and drops the answer.
func carryOut(t *testing.T, farm string, r *nethttp.Request) {
	t.Helper()
	request, err := nethttp.NewRequest(r.Method, farm+r.URL.Path, r.Body)
	if err != nil {
		t.Error(err)
		return
	}
	request.Header = r.Header
	response, err := nethttp.DefaultClient.Do(request)
	if err != nil {
		t.Error(err)
		return
	}
	_, _ = io.Copy(io.Discard, response.Body)
	response.Body.Close()
}

// usersOf returns how many users of the farm match the filter, which is empty or begins with &.
func usersOf(t *testing.T, farm, filter string) int {
	t.Helper()
	response, err := nethttp.Get(farm + "/v1/users?limit=1000" + filter)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var page struct {
		Users []struct{} `json:"users"`
	}
	if err := json.NewDecoder(response.Body).Decode(&page); err != nil {
		t.Fatal(err)
	}
	return len(page.Users)
}
