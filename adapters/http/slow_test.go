package http_test

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/userfarm/userfarm/adapters/http"
	"github.com/userfarm/userfarm/adapters/http/internal/api"
	"github.com/userfarm/userfarm/adapters/memory"
)

// newLimitedServer returns the server of an empty farm, with the default limits after change.
func newLimitedServer(change func(*http.Limits)) *http.Server {
	store := memory.New()
	return limitedServer(mustFarm(store, settings), store, change)
}

// endless has requests that a slow client never completes.
var endless = map[string]string{
	"in the header": "GET /ping HTTP/1.1\r\nHost: x\r\nX-Slow: ",
	"in the body":   "POST /v1/leases HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n",
	"in a chunk":    "POST /v1/leases HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nFFFF\r\n",
	"after an Expect": "POST /v1/leases HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n" +
		"Content-Length: 1000000\r\n\r\n",
}

func TestClientsThatSendForeverAreCutAndDelayNoOther(t *testing.T) {
	const clients = 200
	for name, request := range endless {
		t.Run(name, func(t *testing.T) {
			c := serve(t, newLimitedServer(func(l *http.Limits) { l.ReadTimeout = 300 * time.Millisecond }))
			var slow sync.WaitGroup
			for range clients {
				conn := c.dial()
				slow.Go(func() { wantCutWhileSending(t, conn, request) })
			}
			c.get("/ping").want(200)
			slow.Wait()
		})
	}
}

// dial opens a connection to the server until the test ends.
func (c client) dial() net.Conn {
	c.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(strings.TrimPrefix(c.url, "http://"), "https://"))
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// wantCutWhileSending sends byte after byte until the server closes the connection.
func wantCutWhileSending(t *testing.T, conn net.Conn, request string) {
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Error(err)
		return
	}
	_, err := io.WriteString(conn, request)
	for err == nil {
		time.Sleep(10 * time.Millisecond)
		_, err = conn.Write([]byte("x"))
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("after a minute the connection is open")
	}
}

func TestARequestThatArrivesByteByByteTimesOut(t *testing.T) {
	for name, request := range endless {
		t.Run(name, func(t *testing.T) {
			inBubble(t, newServer(), func(t *testing.T, dial func() net.Conn) {
				conn := dial()
				defer func() { _ = conn.Close() }()
				start := time.Now()
				if _, err := io.WriteString(conn, request); err != nil {
					t.Fatal(err)
				}
				go keepSending(conn)
				if strings.Contains(request, "Expect") {
					readLine(t, conn, "HTTP/1.1 100 Continue\r\n\r\n")
				}
				got := readAnswer(t, conn, "POST").want(408).wantProblem(api.CodeRequestTimeout)
				if want := "The request did not arrive in time."; got.Detail != want {
					t.Errorf("got %q, want %q", got.Detail, want)
				}
				wantClosed(t, conn)
				if waited := time.Since(start); waited != http.ReadTimeout {
					t.Errorf("the server waited for %v, want %v", waited, http.ReadTimeout)
				}
			})
		})
	}
}

// keepSending sends a byte at intervals until the connection is closed.
func keepSending(conn net.Conn) {
	for {
		time.Sleep(10 * time.Millisecond)
		if _, err := conn.Write([]byte("x")); err != nil {
			return
		}
	}
}

func readLine(t *testing.T, conn net.Conn, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != want {
		t.Fatalf("got %q and the error %v, want %q", got, err, want)
	}
}

// wantClosed fails the test unless the server closes the connection and sends nothing more.
func wantClosed(t *testing.T, conn net.Conn) {
	t.Helper()
	rest, err := io.ReadAll(conn)
	if errors.Is(err, syscall.ECONNRESET) { // it had not read all that the client had sent
		err = nil
	}
	if err != nil || len(rest) > 0 {
		t.Errorf("the connection continues with %q and the error %v", rest, err)
	}
}

func TestAClientThatDoesNotReadItsAnswerIsCut(t *testing.T) {
	requests := map[string]string{
		"a short one":                     "GET /ping HTTP/1.1\r\nHost: x\r\n\r\n",
		"a long one that is sent at once": "GET /openapi.yaml HTTP/1.1\r\nHost: x\r\n\r\n",
		"a stream":                        "GET /get_users HTTP/1.1\r\nHost: x\r\n\r\n",
		"to bytes that are not HTTP":      "hello\r\n\r\n",
		"to a body that is too large":     "POST /v1/leases HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n",
		"to an Expect":                    "POST /v1/leases HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n",
		"to an unknown method":            "BREW /ping HTTP/1.1\r\nHost: x\r\n\r\n",
	}
	for name, request := range requests {
		t.Run(name, func(t *testing.T) {
			farm := &accountsFarm{users: 1 << 40}
			inBubble(t, newFarmServer(farm, farm), func(t *testing.T, dial func() net.Conn) {
				conn := dial()
				defer func() { _ = conn.Close() }()
				if _, err := io.WriteString(conn, request); err != nil {
					t.Fatal(err)
				}
				start := time.Now()
				if _, err := conn.Write([]byte("x")); !errors.Is(err, io.ErrClosedPipe) {
					t.Errorf("got %v, want that the server has closed the connection", err)
				}
				if waited := time.Since(start); waited != http.WriteTimeout {
					t.Errorf("the server waited for %v, want %v", waited, http.WriteTimeout)
				}
			})
		})
	}
}

// A pipe in memory has no buffer. A real connection buffers some megabytes, which a stream must fill first.
func TestAClientThatStopsReadingARealStreamIsCut(t *testing.T) {
	farm := &accountsFarm{users: 1 << 40, ended: make(chan struct{})}
	server := limitedServer(farm, farm, func(l *http.Limits) { l.WriteTimeout = 100 * time.Millisecond })
	conn := serve(t, server).dial()
	if _, err := io.WriteString(conn, "GET /get_users HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	<-farm.ended
}

func TestAConnectionWithoutAFirstRequestTimesOut(t *testing.T) {
	inBubble(t, newServer(), func(t *testing.T, dial func() net.Conn) {
		conn := dial()
		defer func() { _ = conn.Close() }()
		start := time.Now()
		readAnswer(t, conn, "GET").want(408).wantProblem(api.CodeRequestTimeout)
		wantClosed(t, conn)
		if waited := time.Since(start); waited != http.ReadTimeout {
			t.Errorf("the server waited for %v, want %v", waited, http.ReadTimeout)
		}
	})
}

func TestAConnectionWithoutANextRequestIsClosed(t *testing.T) {
	inBubble(t, newServer(), func(t *testing.T, dial func() net.Conn) {
		conn := dial()
		defer func() { _ = conn.Close() }()
		for range 3 {
			if _, err := io.WriteString(conn, "GET /ping HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			readAnswer(t, conn, "GET").want(200)
			time.Sleep(http.IdleTimeout - 1)
		}
		start := time.Now()
		wantClosed(t, conn)
		if waited := time.Since(start); waited != 1 {
			t.Errorf("the server waited %v too long", waited-1)
		}
	})
}

func TestABodyThatIsTooLargeIsRejectedWhileItIsBeingSent(t *testing.T) {
	const post = "POST /v1/leases HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
	requests := map[string]string{
		"with its length": post + "Content-Length: 1048577\r\n\r\n{",
		"in chunks":       post + "Transfer-Encoding: chunked\r\n\r\n100001\r\n" + strings.Repeat("x", 1<<20+1),
	}
	for name, request := range requests {
		t.Run(name, func(t *testing.T) {
			inBubble(t, newServer(), func(t *testing.T, dial func() net.Conn) {
				conn := dial()
				defer func() { _ = conn.Close() }()
				start := time.Now()
				go func() {
					if _, err := io.WriteString(conn, request); err != nil {
						t.Error(err)
					}
					keepSending(conn)
				}()
				got := readAnswer(t, conn, "POST").want(413).wantProblem(api.CodeTooLarge)
				if want := "A body may have at most 1 MiB."; got.Detail != want {
					t.Errorf("got %q, want %q", got.Detail, want)
				}
				if waited := time.Since(start); waited > 0 {
					t.Errorf("the client got the answer after %v", waited)
				}
				wantClosed(t, conn)
				if waited := time.Since(start); waited != http.ReadTimeout {
					t.Errorf("the server read on for %v, want %v", waited, http.ReadTimeout)
				}
			})
		})
	}
}

// Such clients lose the answer if the connection is closed while they send.
func TestAClientThatSendsAllBeforeItReadsGetsItsAnswer(t *testing.T) {
	c := newClient(t)
	tests := map[string]struct {
		request string
		status  int
		code    api.Code
		detail  string
	}{
		"a body": {
			"POST /v1/leases HTTP/1.1\r\nHost: x\r\nContent-Length: 16777216\r\n\r\n" + strings.Repeat("x", 16<<20),
			413, api.CodeTooLarge, "A body may have at most 1 MiB.",
		},
		"a header": {
			"GET /ping HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 16<<20) + "\r\n\r\n",
			431, api.CodeHeaderTooLarge, "The request line and the headers may have at most 16 KiB together.",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			conn := c.in(t).dial()
			if _, err := io.WriteString(conn, test.request); err != nil {
				t.Fatal(err)
			}
			got := readAnswer(t, conn, "POST").want(test.status).wantProblem(test.code)
			if got.Detail != test.detail {
				t.Errorf("got %q, want %q", got.Detail, test.detail)
			}
		})
	}
}

func TestAShutdownDoesNotWaitForUnusedBodies(t *testing.T) {
	server := newServer()
	inBubble(t, server, func(t *testing.T, dial func() net.Conn) {
		conn := dial()
		defer func() { _ = conn.Close() }()
		if _, err := io.WriteString(conn, "POST /v1/leases HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		readAnswer(t, conn, "POST").want(413)
		go keepSending(conn)
		synctest.Wait()
		start := time.Now()
		shutDown(t, server)
		if waited := time.Since(start); waited >= time.Second {
			t.Errorf("the shutdown waited for %v", waited)
		}
	})
}
