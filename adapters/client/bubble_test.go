package client_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	nethttp "net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/userfarm/userfarm/adapters/client"
	"github.com/userfarm/userfarm/adapters/http"
	"github.com/userfarm/userfarm/adapters/memory"
	"github.com/userfarm/userfarm/ports"
)

// network connects clients and servers in memory, so that they can run in a bubble of synctest, where no time is wasted.
type network struct {
	conns chan net.Conn

	mu   sync.Mutex
	open []net.Conn // those of the client
}

// inBubble runs test in a bubble, with a network on which nothing is served yet.
func inBubble(t *testing.T, test func(t *testing.T, n *network)) {
	t.Helper()
	startFasthttp.Do(func() {
		farm, _ := newFarm(t)
		if _, err := connect(t, serve(t, farm).address).Pools(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		t.Cleanup(func() { time.Sleep(time.Minute) }) // until a goroutine of fasthttp's has seen that it may end
		test(t, &network{conns: make(chan net.Conn)})
	})
}

// startFasthttp starts a goroutine that never ends and must not be in a bubble.
var startFasthttp sync.Once

// serve serves a farm until stop is called.
func (n *network) serve(t testing.TB, farm ports.Farm) (stop func()) {
	t.Helper()
	running, err := http.New(openGate{farm}, memory.New(), http.Settings{Limits: http.DefaultLimits()}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- running.Serve(&pipeListener{conns: n.conns, closed: make(chan struct{})}) }()
	return func() {
		if err := running.Shutdown(context.Background()); err != nil {
			t.Error("Shutdown:", err)
		}
		if err := <-served; err != nil {
			t.Error("Serve:", err)
		}
	}
}

// connect returns a client of what is served.
func (n *network) connect(t *testing.T, options ...client.Option) *client.Client {
	t.Helper()
	return connect(t, "http://farm", append(options, client.WithTransport(&nethttp.Transport{DialContext: n.dial}))...)
}

func (n *network) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case n.conns <- there:
		n.mu.Lock()
		defer n.mu.Unlock()
		n.open = append(n.open, here)
		return here, nil
	case <-time.After(time.Second):
		return nil, &net.OpError{Op: "dial", Err: io.ErrNoProgress} // nothing is served
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// cut closes all connections.
func (n *network) cut() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, conn := range n.open {
		_ = conn.Close()
	}
	n.open = nil
}

type pipeListener struct {
	conns  <-chan net.Conn
	closed chan struct{}
}

// Accept implements [net.Listener].
func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close implements [net.Listener].
func (l *pipeListener) Close() error {
	close(l.closed)
	return nil
}

// Addr implements [net.Listener].
func (*pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

// script is a transport that answers as a test tells it to.
type script struct {
	answers []func(req *nethttp.Request) (*nethttp.Response, error) // in turn; the last one also answers what comes after it

	mu       sync.Mutex
	requests []sentRequest
}

// sentRequest is a request that a script has seen.
type sentRequest struct {
	at           time.Duration // since the first request
	method, path string
	key          string // for idempotency
	body         string

	sent time.Time
}

// RoundTrip implements [nethttp.RoundTripper].
func (s *script) RoundTrip(req *nethttp.Request) (*nethttp.Response, error) {
	sent := sentRequest{method: req.Method, path: req.URL.Path, key: req.Header.Get("Idempotency-Key"), sent: time.Now()}
	if req.Body != nil {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		sent.body = string(body)
	}
	s.mu.Lock()
	if len(s.requests) > 0 {
		sent.at = sent.sent.Sub(s.requests[0].sent)
	}
	next := s.answers[min(len(s.requests), len(s.answers)-1)]
	s.requests = append(s.requests, sent)
	s.mu.Unlock()
	return next(req)
}

// connect returns a client whose requests the script answers.
func (s *script) connect(t testing.TB, options ...client.Option) *client.Client {
	t.Helper()
	return connect(t, "http://farm", append(options, client.WithTransport(s))...)
}

// step is an answer of a script.
type step = func(*nethttp.Request) (*nethttp.Response, error)

// lost is an answer that does not arrive.
func lost(*nethttp.Request) (*nethttp.Response, error) { return nil, io.ErrUnexpectedEOF }

// refused is a connection that can't be opened.
func refused(*nethttp.Request) (*nethttp.Response, error) {
	return nil, &net.OpError{Op: "dial", Err: io.ErrClosedPipe}
}

// silent is an answer that never comes.
func silent(req *nethttp.Request) (*nethttp.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

// after is an answer that comes after some time.
func after(d time.Duration, next step) step {
	return func(req *nethttp.Request) (*nethttp.Response, error) {
		time.Sleep(d)
		return next(req)
	}
}

// says is an answer with JSON.
func says(status int, body string) step { return saysAs("application/json", status, body) }

// problemStep is an answer with a problem.
func problemStep(status int, code string) step { return problemWith(status, code, "") }

// problemWith is an answer with a problem that has more members.
func problemWith(status int, code, more string) step {
	return saysAs("application/problem+json", status, fmt.Sprintf(`{"code":%q,"detail":"d","errors":[]%s}`, code, more))
}

func saysAs(mediaType string, status int, body string) step {
	return func(req *nethttp.Request) (*nethttp.Response, error) {
		return &nethttp.Response{
			StatusCode: status, Request: req, Header: nethttp.Header{"Content-Type": {mediaType}}, Body: io.NopCloser(bytes.NewBufferString(body)),
		}, nil
	}
}

// in adds the header Retry-After to an answer.
func in(seconds int, next step) step {
	return func(req *nethttp.Request) (*nethttp.Response, error) {
		resp, err := next(req)
		if err == nil {
			resp.Header.Set("Retry-After", fmt.Sprint(seconds))
		}
		return resp, err
	}
}

const (
	leaseJSON = `{"lease_id":"f900c717-34e9-4cf5-9aeb-033ba8982029","owner":"","note":"","acquired_at":"2026-11-25T22:53:49Z",` +
		`"expires_at":"2026-11-25T23:08:49Z","users":[]}`
	poolsJSON = `{"pools":[]}`
)
