package client_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	nethttp "net/http"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/userfarm/userfarm/adapters/client"
	"github.com/userfarm/userfarm/adapters/http"
	"github.com/userfarm/userfarm/adapters/memory"
	"github.com/userfarm/userfarm/app"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
	"github.com/userfarm/userfarm/ports/portstest"
)

func TestFarm(t *testing.T) {
	portstest.TestFarm(t, portstest.Plain, func(t testing.TB) portstest.FarmSubject {
		farm, _ := newFarm(t)
		return portstest.FarmSubject{Farm: connect(t, serve(t, farm).address), Advance: time.Sleep}
	})
}

// The first answer to every call that changes something is lost. The client can't tell then whether the call was carried out.
func TestFarmWhoseAnswersGetLost(t *testing.T) {
	var wires *network
	inItsBubble := func(t *testing.T, test func(t *testing.T)) {
		inBubble(t, func(t *testing.T, n *network) {
			wires = n
			test(t)
		})
	}
	portstest.TestFarm(t, inItsBubble, func(t testing.TB) portstest.FarmSubject {
		farm, _ := newFarm(t)
		t.Cleanup(wires.serve(t, farm))
		transport := &nethttp.Transport{DialContext: wires.dial}
		return portstest.FarmSubject{
			Farm: connect(t, "http://farm", client.WithTransport(&lossy{RoundTripper: transport})), Advance: time.Sleep,
		}
	})
}

// lossy loses every other answer that says that a call was carried out, but none to calls that the client does not repeat, or whose
// repetition must get another answer.
type lossy struct {
	nethttp.RoundTripper

	mu   sync.Mutex
	seen map[string]bool // calls whose first answer was lost
}

var kept = regexp.MustCompile("/(acquire_lock|release_lock|v1/keys|otp|force-release)$")

// RoundTrip implements [nethttp.RoundTripper].
func (l *lossy) RoundTrip(req *nethttp.Request) (*nethttp.Response, error) {
	resp, err := l.RoundTripper.RoundTrip(req)
	if err != nil || resp.StatusCode >= 300 || req.Method == nethttp.MethodGet || kept.MatchString(req.URL.Path) {
		return resp, err
	}
	call := req.Method + req.URL.Path + req.Header.Get("Idempotency-Key")
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seen[call] {
		delete(l.seen, call)
		return resp, nil
	}
	if l.seen == nil {
		l.seen = map[string]bool{}
	}
	l.seen[call] = true
	_ = resp.Body.Close()
	return nil, io.ErrUnexpectedEOF
}

// newFarm returns an empty farm in this process, and its store.
func newFarm(t testing.TB) (*app.Farm, ports.Store) {
	t.Helper()
	store := memory.New()
	farm, err := app.New(store, app.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	return farm, store
}

// server serves a farm over HTTP.
type server struct {
	address string
	stop    func() // may be called several times
}

// serve serves a farm to all callers, with any API key or without, until the test ends.
func serve(t testing.TB, farm ports.Farm) server {
	t.Helper()
	return serveGate(t, "127.0.0.1:0", openGate{farm})
}

// openGate accepts every caller.
type openGate struct{ farm ports.Farm }

// Enter implements [ports.Gate].
func (g openGate) Enter(context.Context, domain.Token) (domain.Caller, ports.Farm, error) {
	return domain.Everybody(), g.farm, nil
}

// serveGate serves the farm behind a gate on a TCP address.
func serveGate(t testing.TB, address string, gate ports.Gate) server {
	t.Helper()
	running, err := http.New(gate, memory.New(), http.Settings{Limits: http.DefaultLimits()}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- running.Serve(listener) }()
	s := server{address: "http://" + listener.Addr().String()}
	stopped := false
	s.stop = func() {
		if stopped {
			return
		}
		stopped = true
		if err := running.Shutdown(context.Background()); err != nil {
			t.Error("Shutdown:", err)
		}
		if err := <-served; err != nil {
			t.Error("Serve:", err)
		}
	}
	t.Cleanup(s.stop)
	return s
}

// connect returns a client of the server at an address.
func connect(t testing.TB, address string, options ...client.Option) *client.Client {
	t.Helper()
	c, err := client.New(address, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

// noKey is the key of a call that gets a random one.
var noKey domain.IdempotencyKey

var stage = domain.Pool{ProjectID: domain.ProjectID{1}, Env: "stage", Domain: "regular"}

// anyone matches every user.
var anyone = []domain.Selector{{}}

// create creates a user with a login.
func create(t testing.TB, farm ports.Farm, login string) domain.View {
	t.Helper()
	view, err := farm.CreateUser(t.Context(), domain.Spec{Login: login, Password: domain.NewSecret("pw-" + login), Pool: stage}, noKey)
	if err != nil {
		t.Fatal(err)
	}
	return view
}

const ttl = 30 * time.Second

// acquire acquires any user.
func acquire(t *testing.T, farm ports.Leases) domain.Lease {
	t.Helper()
	lease, err := farm.Acquire(t.Context(), anyone, domain.Terms{TTL: ttl}, noKey)
	if err != nil {
		t.Fatal(err)
	}
	return lease
}

// gateOf returns the gate of a farm, which needs API keys.
func gateOf(farm *app.Farm) ports.Gate { return app.NewGate(farm, false) }
