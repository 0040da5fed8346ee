package http_test

import (
	"context"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/userfarm/userfarm/adapters/http"
	"github.com/userfarm/userfarm/adapters/http/internal/api"
	"github.com/userfarm/userfarm/adapters/http/internal/connection"
)

func shutDown(t *testing.T, server *http.Server) {
	t.Helper()
	if err := server.Shutdown(context.Background()); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}

const pingRequest = "GET /ping HTTP/1.1\r\nHost: x\r\n\r\n"

// ping sends a request on a connection, and returns the answer.
func ping(t *testing.T, conn net.Conn) answer {
	t.Helper()
	if _, err := io.WriteString(conn, pingRequest); err != nil {
		t.Fatal(err)
	}
	return readAnswer(t, conn, "GET")
}

func TestAConnectionAboveTheLimitGetsAProblem(t *testing.T) {
	c := serve(t, newLimitedServer(func(l *http.Limits) { l.Connections = 2 }))
	first, second := c.dial(), c.dial()
	ping(t, first).want(200)
	ping(t, second).want(200)

	third := c.dial()
	wantTooMany(t, ping(t, third))
	wantClosed(t, third)
	fourth := c.dial()
	if _, err := io.WriteString(fourth, pingRequest); err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(fourth); err != nil || !strings.Contains(string(text), "\r\nConnection: close\r\n") {
		t.Errorf("got %q and the error %v, want that the connection closes", text, err)
	}
	ping(t, second).want(200)
	if !strings.Contains(logged.String(), `"msg":"connections are rejected, because there are too many","limit":2`) {
		t.Error("the log does not say so")
	}
}

// wantTooMany fails the test unless the answer is that there are too many connections.
func wantTooMany(t *testing.T, got answer) {
	t.Helper()
	got.want(503)
	problem := got.wantProblem(api.CodeTooManyConnections)
	if want := "This server has reached its limit of connections. Try again later, and use fewer connections."; problem.Detail != want {
		t.Errorf("got %q, want %q", problem.Detail, want)
	}
	if got.header.Get("Retry-After") != "1" || got.header.Get("X-Request-Id") == "" {
		t.Errorf("got the header %v", got.header)
	}
}

func TestAnEndedConnectionMakesRoomForAnother(t *testing.T) {
	c := serve(t, newLimitedServer(func(l *http.Limits) { l.Connections = 1 }))
	requests := []struct {
		text   string
		status int
	}{
		{"GET /ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 200},
		{"hello\r\n\r\n", 400},
		{"GET /get_users HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 200},
	}
	for range 20 {
		for _, request := range requests {
			conn := c.dial()
			if _, err := io.WriteString(conn, request.text); err != nil {
				t.Fatal(err)
			}
			readAnswer(t, conn, "GET").want(request.status)
			if request.status == 200 {
				wantClosed(t, conn)
				continue
			}
			// The server reads until the client closes the connection.
			_ = conn.Close()
			waitUntilNoneIsOpen(c)
		}
	}
}

// waitUntilNoneIsOpen returns when the server serves a new connection.
func waitUntilNoneIsOpen(c client) {
	c.t.Helper()
	for {
		conn := c.dial()
		if _, err := io.WriteString(conn, "GET /ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); err != nil {
			c.t.Fatal(err)
		}
		if text, _ := io.ReadAll(conn); strings.HasPrefix(string(text), "HTTP/1.1 200 OK\r\n") {
			return
		}
		_ = conn.Close()
		time.Sleep(time.Millisecond)
	}
}

func TestConnectionsAboveTheLimitDelayNoOther(t *testing.T) {
	const clients = 200
	inBubble(t, newLimitedServer(func(l *http.Limits) { l.Connections = 1 }), func(t *testing.T, dial func() net.Conn) {
		first := dial()
		defer func() { _ = first.Close() }()
		start := time.Now()
		var silent []net.Conn
		for range clients {
			silent = append(silent, dial())
		}
		ping(t, first).want(200)
		if took := time.Since(start); took > 0 {
			t.Errorf("it took %v to accept and reject the connections", took)
		}
		for _, conn := range silent {
			wantClosed(t, conn)
		}
		if took := time.Since(start); took != connection.RejectionTimeout {
			t.Errorf("the silent connections were closed after %v, want %v", took, connection.RejectionTimeout)
		}
	})
}

// shortListener is a listener whose first calls fail with these errors.
type shortListener struct {
	net.Listener
	lacks []error
}

// Accept implements [net.Listener].
func (l *shortListener) Accept() (net.Conn, error) {
	if len(l.lacks) == 0 {
		return l.Listener.Accept()
	}
	err := os.NewSyscallError("accept", l.lacks[0])
	l.lacks = l.lacks[1:]
	return nil, &net.OpError{Op: "accept", Err: err}
}

func TestAServerContinuesAfterItRanOutOfFiles(t *testing.T) {
	behind := func(inner net.Listener) net.Listener {
		return &shortListener{inner, []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM}}
	}
	before := strings.Count(logged.String(), "no connection can be accepted")
	inBubbleBehind(t, newServer(), behind, func(t *testing.T, dial func() net.Conn) {
		conn := dial()
		defer func() { _ = conn.Close() }()
		ping(t, conn).want(200)
	})
	if n := strings.Count(logged.String(), "no connection can be accepted") - before; n != 1 {
		t.Errorf("the error is in the log %d times, want once", n)
	}
}
