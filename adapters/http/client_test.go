package http_test

import (
	"bytes"
	"context"
	"io"
	"net"
	nethttp "net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/userfarm/userfarm/adapters/http"
	"github.com/userfarm/userfarm/adapters/http/internal/api"
	"github.com/userfarm/userfarm/adapters/memory"
	"github.com/userfarm/userfarm/app"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// settings are the default settings of a farm.
var settings = app.Settings{Leases: domain.LeasePolicy{DefaultTTL: 15 * time.Minute, LongestTTL: 24 * time.Hour}}

// mustFarm returns a farm with valid settings.
func mustFarm(store ports.Store, settings app.Settings) *app.Farm {
	farm, err := app.New(store, settings)
	if err != nil {
		panic(err)
	}
	return farm
}

// client sends requests to a server, and checks every answer against openapi.yaml.
type client struct {
	t     testing.TB
	url   string
	http  *nethttp.Client
	token string // of its API key; empty if it has none
}

// newClient returns the client of an empty farm, which needs no API key.
func newClient(t testing.TB) client {
	t.Helper()
	return serve(t, newServer())
}

// newServer returns the server of an empty farm, which needs no API key until there is one.
func newServer() *http.Server {
	store := memory.New()
	gate := app.NewGate(mustFarm(store, settings), true)
	return mustServe(http.New(gate, store, http.Settings{Limits: http.DefaultLimits()}, newLog()))
}

// newFarmClient returns the client of the farm.
func newFarmClient(t testing.TB, farm ports.Farm, health ports.Health) client {
	t.Helper()
	return serve(t, newFarmServer(farm, health))
}

// newFarmServer returns the server of the farm.
func newFarmServer(farm ports.Farm, health ports.Health) *http.Server {
	return limitedServer(farm, health, func(*http.Limits) {})
}

// limitedServer is newFarmServer with the default limits after change.
func limitedServer(farm ports.Farm, health ports.Health, change func(*http.Limits)) *http.Server {
	limits := http.DefaultLimits()
	change(&limits)
	return mustServe(http.New(openGate{farm}, health, http.Settings{Limits: limits}, newLog()))
}

func mustServe(server *http.Server, err error) *http.Server {
	if err != nil {
		panic(err)
	}
	return server
}

// openGate accepts every request, with any API key or without.
type openGate struct{ farm ports.Farm }

// Enter implements [ports.Gate].
func (g openGate) Enter(context.Context, domain.Token) (domain.Caller, ports.Farm, error) {
	return domain.Everybody(), g.farm, nil
}

// serve runs the server until the test ends.
func serve(t testing.TB, server *http.Server) client {
	t.Helper()
	return serveBehind(t, server, func(inner net.Listener) net.Listener { return inner })
}

// serveBehind is serve with a listener that wrap returns.
func serveBehind(t testing.TB, server *http.Server, wrap func(net.Listener) net.Listener) client {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(wrap(listener)) }()
	transport := &nethttp.Transport{}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		if err := server.Shutdown(context.Background()); err != nil {
			t.Error("Shutdown:", err)
		}
		if err := <-served; err != nil {
			t.Error("Serve:", err)
		}
	})
	return client{
		t:   t,
		url: "http://" + listener.Addr().String(),
		http: &nethttp.Client{
			Transport:     contractTransport{transport, t.Errorf},
			CheckRedirect: stay,
		},
	}
}

// stay follows no redirect.
func stay(*nethttp.Request, []*nethttp.Request) error { return nethttp.ErrUseLastResponse }

// as returns the client with a token.
func (c client) as(token string) client {
	c.token = token
	return c
}

// in returns the client for a subtest.
func (c client) in(t testing.TB) client {
	c.t = t
	return c
}

// answer is the answer of a server.
type answer struct {
	t      testing.TB
	status int
	header nethttp.Header
	body   string
}

// send sends a request with a JSON body, unless that is empty.
func (c client) send(method, path, body string) answer {
	c.t.Helper()
	if body == "" {
		return c.sendAs("", method, path, "")
	}
	if route, _, _ := strings.Cut(path, "?"); route == "/v1/users/import" {
		return c.sendAs("application/x-ndjson", method, path, body)
	}
	return c.sendAs("application/json", method, path, body)
}

// sendAs sends a request whose body has the content type.
func (c client) sendAs(contentType, method, path, body string) answer {
	c.t.Helper()
	req, err := nethttp.NewRequest(method, c.url+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	return c.do(req)
}

func (c client) do(req *nethttp.Request) answer {
	c.t.Helper()
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return answer{c.t, resp.StatusCode, resp.Header, string(body)}
}

func (c client) get(path string) answer { c.t.Helper(); return c.send("GET", path, "") }

func (c client) post(path, body string) answer { c.t.Helper(); return c.send("POST", path, body) }

// postOnce is post with an idempotency key.
func (c client) postOnce(key, path, body string) answer {
	c.t.Helper()
	return c.sendWith(nethttp.Header{"Idempotency-Key": {key}}, "POST", path, body)
}

// sendWith is send with headers.
func (c client) sendWith(header nethttp.Header, method, path, body string) answer {
	c.t.Helper()
	req, err := nethttp.NewRequest(method, c.url+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header = header
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	return c.do(req)
}

// want fails the test unless the answer has the status.
func (a answer) want(status int) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("got status %d, want %d; body: %s", a.status, status, a.body)
	}
	return a
}

// wantProblem fails the test unless the answer is a problem with the code, about fields at exactly these pointers.
func (a answer) wantProblem(code api.Code, pointers ...string) api.Problem {
	a.t.Helper()
	var problem api.Problem
	if a.header.Get("Content-Type") != "application/problem+json" {
		a.t.Fatalf("got status %d with %s, want the problem %s", a.status, a.body, code)
	}
	a.into(&problem)
	if problem.Code != code {
		a.t.Fatalf("got the problem %s (%s), want %s", problem.Code, a.body, code)
	}
	var got []string
	for _, e := range problem.Errors {
		got = append(got, e.Pointer)
	}
	if strings.Join(got, " ") != strings.Join(pointers, " ") {
		a.t.Fatalf("the problem is about the fields %q, want %q; body: %s", got, pointers, a.body)
	}
	return problem
}

// into decodes the answer.
func (a answer) into(value any) {
	a.t.Helper()
	if err := json.Unmarshal([]byte(a.body), value); err != nil {
		a.t.Fatalf("decode %s: %v", a.body, err)
	}
}

const projectID = "5f0c7a52-1f0b-4a55-9d3f-7f6f3a1f2b10"

// newUser adds a user with the login and labels to the pool that all tests use, and returns it with its password.
func (c client) newUser(login string, labels map[string]string) (user api.User, password string) {
	c.t.Helper()
	password = newPassword()
	c.post("/v1/users", encode(c.t, api.NewUser{
		Login: login, Password: password, ProjectID: projectID, Env: "staging", Domain: "shop.example.com", Labels: labels,
	})).want(201).into(&user)
	return user, password
}

// acquire takes a lease.
func (c client) acquire(body string) (lease api.Lease) {
	c.t.Helper()
	c.post("/v1/leases", body).want(201).into(&lease)
	return lease
}

func encode(t testing.TB, value any) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.MarshalWrite(&b, value); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
