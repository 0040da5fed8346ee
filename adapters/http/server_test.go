package http_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	nethttp "net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/userfarm/userfarm/adapters/http"
	"github.com/userfarm/userfarm/adapters/http/internal/api"
	"github.com/userfarm/userfarm/adapters/http/internal/entrance"
	"github.com/userfarm/userfarm/domain"
)

func TestAPathThatIsNotServedIsAProblem(t *testing.T) {
	c := newClient(t)
	for _, path := range []string{"//", "/v1", "/v1/", "/v1/users/", "/V1/users", "/ping/", "/Ping", "/v1/users//restore", "/v2/users"} {
		c.get(path).want(404).wantProblem(api.CodeNotFound)
	}
	tests := []struct{ method, path, allow string }{
		{"POST", "/ping", "GET, HEAD"},
		{"GET", "/create_user", "POST"},
		{"PUT", "/v1/users", "GET, HEAD, POST"},
		{"OPTIONS", "/v1/users/" + someID, "GET, HEAD, DELETE, PATCH"},
		{"BREW", "/ping", "GET, HEAD, POST, PATCH, DELETE"},
	}
	for _, test := range tests {
		got := c.send(test.method, test.path, "").want(405)
		got.wantProblem(api.CodeMethodNotAllowed)
		if allow := got.header.Get("Allow"); allow != test.allow {
			t.Errorf("%s %s allows %q, want %q", test.method, test.path, allow, test.allow)
		}
	}
}

func TestHeadIsGetWithoutTheBody(t *testing.T) {
	c := newClient(t)
	c.newUser("alice", nil)
	for _, path := range []string{"/ping", "/get_users", "/v1/users", "/v1/events", "/v1/events/stream", "/healthz", "/docs"} {
		if got := c.send("HEAD", path, "").want(200); got.body != "" {
			t.Errorf("HEAD %s has the body %q", path, got.body)
		}
	}
	c.send("HEAD", "/v1/users?x=1", "").want(422)
}

func TestABodyMayHaveAMebibyte(t *testing.T) {
	c := newClient(t)
	fill := func(size int) string {
		head, tail := `{"users":[{}],"note":"`, `"}`
		return head + strings.Repeat("x", size-len(head)-len(tail)) + tail
	}
	c.post("/v1/leases", fill(1<<20)).want(422).wantProblem(api.CodeInvalid, "/note")
	c.post("/v1/leases", fill(1<<20+1)).want(413).wantProblem(api.CodeTooLarge)
	c.post("/create_user", fill(1<<20+1)).want(413).wantProblem(api.CodeTooLarge)

	req, err := nethttp.NewRequest("POST", c.url+"/v1/leases", io.NopCloser(strings.NewReader(fill(1<<20+1))))
	if err != nil {
		t.Fatal(err)
	}
	c.do(req).want(413).wantProblem(api.CodeTooLarge)
}

// No proper client sends these requests.
func TestBytesThatAreNotHTTPAreAProblem(t *testing.T) {
	c := newClient(t)
	tests := []struct {
		name, request string
		status        int
		code          api.Code
	}{
		{"garbage", "\x16\x03\x01\x02\x00\r\n\r\n", 400, api.CodeMalformed},
		{"no request line", "\r\n\r\nhello\r\n\r\n", 400, api.CodeMalformed},
		{"a request line without a protocol", "GET\r\nHost: x\r\n\r\n", 400, api.CodeMalformed},
		{"an invalid length", "POST /v1/leases HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n", 400, api.CodeMalformed},
		{"a header too large", "GET /ping HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("y", 20<<10) + "\r\n\r\n", 431, api.CodeHeaderTooLarge},
		{"a path too large", "GET /" + strings.Repeat("y", 20<<10) + " HTTP/1.1\r\nHost: x\r\n\r\n", 431, api.CodeHeaderTooLarge},
		{"a path that can't be read", "GET /v1/users/%zz HTTP/1.1\r\nHost: x\r\n\r\n", 404, api.CodeNotFound},
		{"a method in lowercase", "get /ping HTTP/1.1\r\nHost: x\r\n\r\n", 405, api.CodeMethodNotAllowed},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			conn, err := net.Dial("tcp", strings.TrimPrefix(c.url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			if _, err := io.WriteString(conn, test.request); err != nil {
				t.Fatal(err)
			}
			readAnswer(t, conn, "GET").want(test.status).wantProblem(test.code)
		})
	}
}

// readAnswer reads the answer to a request that the test has written.
func readAnswer(t *testing.T, conn net.Conn, method string) answer {
	t.Helper()
	resp, err := nethttp.ReadResponse(bufio.NewReader(conn), &nethttp.Request{Method: method})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if code, err := problemCode(resp, body); err != nil || code != "" && secrets.in(string(body)) > 0 {
		t.Errorf("the problem %s is invalid, or contains a secret: %v", code, err)
	}
	return answer{t, resp.StatusCode, resp.Header, string(body)}
}

// By default, Fiber reuses the memory of a request for the next one on the connection.
func TestTheStringsOfARequestStayUnchanged(t *testing.T) {
	server := newServer()
	var kept []string
	server.Handle("GET", "/kept/:value", func(c *fiber.Ctx) error {
		kept = append(kept, c.Params("value"), c.Get("X-Value"), c.Query("value"), string(c.BodyRaw()))
		return c.SendStatus(204)
	})
	c := serve(t, server)
	for _, value := range []string{"first", "other"} {
		req, err := nethttp.NewRequest("GET", c.url+"/kept/"+value+"?value="+value, strings.NewReader(value))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Value", value)
		resp, err := c.http.Transport.(contractTransport).next.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
	if got := strings.Join(kept, " "); got != "first first first first other other other other" {
		t.Errorf("got %s", got)
	}
}

func TestShutdownAnswersWhatHasBegun(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	farm := brokenFarm(func(context.Context) error {
		close(entered)
		<-leave
		return domain.ErrUserNotFound
	})
	server := newFarmServer(farm, farm)
	listener := &readListener{}
	c := serveBehind(t, server, listener.wrap)
	answered := make(chan answer)
	go func() { answered <- c.get("/v1/users/" + someID) }()
	<-entered

	// A request that is arriving when the shutdown begins is answered, too: the server is not ready.
	late, err := net.Dial("tcp", strings.TrimPrefix(c.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = late.Close() }()
	if _, err := io.WriteString(late, "GET /readyz HTTP/1.1\r\nHost: x\r\n"); err != nil {
		t.Fatal(err)
	}
	for listener.again.Load() < 1 {
		time.Sleep(time.Millisecond)
	}

	ctx, cancel := context.WithCancel(context.Background())
	shut := make(chan error)
	go func() { shut <- server.Shutdown(ctx) }()
	waitUntilClosed(c.url)
	if _, err := io.WriteString(late, "\r\n"); err != nil {
		t.Fatal(err)
	}
	got := readAnswer(t, late, "GET").want(503)
	got.wantProblem(api.CodeShuttingDown)
	if got.header.Get("Retry-After") != "1" {
		t.Error("the answer does not say when to ask again")
	}

	cancel()
	if err := <-shut; !errors.Is(err, context.Canceled) {
		t.Errorf("Shutdown: got %v while a request was unanswered, want that its context ended", err)
	}
	close(leave)
	(<-answered).want(404).wantProblem(api.CodeUserNotFound)
}

// readListener counts the connections on which the server reads again after it has read something.
type readListener struct {
	net.Listener
	again atomic.Int32
}

func (l *readListener) wrap(inner net.Listener) net.Listener {
	l.Listener = inner
	return l
}

// Accept implements [net.Listener].
func (l *readListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	return &readConn{Conn: conn, listener: l}, err
}

type readConn struct {
	net.Conn
	listener *readListener
	read     int // bytes
}

// Read implements [net.Conn].
func (c *readConn) Read(p []byte) (int, error) {
	if c.read > 0 {
		c.listener.again.Add(1)
	}
	n, err := c.Conn.Read(p)
	c.read += n
	return n, err
}

// waitUntilAccepted returns when the server has accepted all connections that were opened before. It accepts in order.
func waitUntilAccepted(t *testing.T, url string) {
	t.Helper()
	transport := &nethttp.Transport{DisableKeepAlives: true}
	resp, err := (&nethttp.Client{Transport: transport}).Get(url + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
}

// waitUntilClosed returns when the server accepts no more connections.
func waitUntilClosed(url string) {
	for {
		conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			return
		}
		_ = conn.Close()
	}
}

func TestShutdownDoesNotWaitForConnectionsWithoutARequest(t *testing.T) {
	server := newServer()
	c := serve(t, server)
	silent, err := net.Dial("tcp", strings.TrimPrefix(c.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	waitUntilAccepted(t, c.url)
	if err := server.Shutdown(context.Background()); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	if _, err := silent.Read(make([]byte, 1)); err == nil {
		t.Error("the connection is open")
	}
}

func TestShutdownWaitsForTheRestOfARequestForALimitedTime(t *testing.T) {
	server := newServer()
	inBubble(t, server, func(t *testing.T, dial func() net.Conn) {
		conn := dial()
		defer func() { _ = conn.Close() }()
		if _, err := io.WriteString(conn, "POST /v1/leases HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		start := time.Now()
		if err := server.Shutdown(context.Background()); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		if waited := time.Since(start).Round(time.Second); waited != http.ArrivalTimeout {
			t.Errorf("the shutdown waited for %v, want %v", waited, http.ArrivalTimeout)
		}
	})
}

func TestAServerThatWasShutDownServesNothing(t *testing.T) {
	server := newServer()
	if err := server.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Serve(listener); err != nil {
		t.Fatal(err)
	}
	if conn, err := net.Dial("tcp", listener.Addr().String()); err == nil {
		_ = conn.Close()
		t.Error("the listener is open")
	}
}

func TestShutdownMayComeBeforeServeAccepts(t *testing.T) {
	for range 50 {
		server := newServer()
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		served := make(chan error)
		go func() { served <- server.Serve(listener) }()
		if err := server.Shutdown(context.Background()); err != nil {
			t.Fatal(err)
		}
		if err := <-served; err != nil {
			t.Fatal(err)
		}
	}
}

func TestServeReturnsTheErrorOfItsListener(t *testing.T) {
	broken := errors.New("too many open files")
	if err := newServer().Serve(brokenListener{broken}); !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
}

type brokenListener struct{ err error }

func (l brokenListener) Accept() (net.Conn, error) { return nil, l.err }
func (brokenListener) Close() error                { return nil }
func (brokenListener) Addr() net.Addr              { return &net.TCPAddr{} }

func TestARequestThatDoesNotArriveTimesOut(t *testing.T) {
	inBubble(t, newServer(), func(t *testing.T, dial func() net.Conn) {
		conn := dial()
		defer func() { _ = conn.Close() }()
		if _, err := io.WriteString(conn, "POST /v1/leases HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		readAnswer(t, conn, "POST").want(408).wantProblem(api.CodeRequestTimeout)
		if waited := time.Since(start); waited != http.ReadTimeout {
			t.Errorf("the server waited for %v, want %v", waited, http.ReadTimeout)
		}
	})
}

// inBubble runs test in a synctest bubble, where the server serves the connections that dial opens.
func inBubble(t *testing.T, server *http.Server, test func(t *testing.T, dial func() net.Conn)) {
	t.Helper()
	inBubbleBehind(t, server, func(listener net.Listener) net.Listener { return listener }, test)
}

// inBubbleBehind is inBubble with a listener that front returns.
func inBubbleBehind(
	t *testing.T, server *http.Server, front func(net.Listener) net.Listener, test func(t *testing.T, dial func() net.Conn),
) {
	t.Helper()
	newClient(t).get("/ping") // starts a goroutine of fasthttp's that never ends and must not be in the bubble
	synctest.Test(t, func(t *testing.T) {
		listener := &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
		served := make(chan error)
		go func() { served <- server.Serve(front(listener)) }()
		defer func() {
			if err := server.Shutdown(context.Background()); err != nil {
				t.Error("Shutdown:", err)
			}
			if err := <-served; err != nil {
				t.Error("Serve:", err)
			}
			time.Sleep(time.Minute) // until a goroutine of fasthttp's has seen that it may end
		}()
		test(t, listener.dial)
	})
}

// pipeListener is a listener in memory.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (l *pipeListener) dial() net.Conn {
	here, there := net.Pipe()
	l.conns <- there
	return here
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

// TestAFarmThatHangsDoesNotHangItsCaller is about a store that never answers, but keeps to its context.
func TestAFarmThatHangsDoesNotHangItsCaller(t *testing.T) {
	for _, r := range farmRequests {
		t.Run(r.method+" "+r.path, func(t *testing.T) {
			inBubble(t, newFarmServer(brokenFarm(hanging), brokenFarm(hanging)), func(t *testing.T, dial func() net.Conn) {
				conn := dial()
				defer func() { _ = conn.Close() }()
				req, err := nethttp.NewRequest(r.method, "http://x"+r.path, strings.NewReader(r.body))
				if err != nil {
					t.Fatal(err)
				}
				req.Header.Set("Content-Type", "application/json")
				var request bytes.Buffer
				if err := req.Write(&request); err != nil {
					t.Fatal(err)
				}
				if _, err := conn.Write(request.Bytes()); err != nil {
					t.Fatal(err)
				}
				start := time.Now()
				readAnswer(t, conn, r.method).want(503).wantProblem(api.CodeStoreUnavailable)
				if waited := time.Since(start); waited > entrance.RequestTimeout {
					t.Errorf("the caller waited for %v", waited)
				}
			})
		})
	}
}
