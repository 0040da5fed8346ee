package http_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/userfarm/userfarm/adapters/http"
	"github.com/userfarm/userfarm/adapters/http/internal/api"
	"github.com/userfarm/userfarm/adapters/http/internal/entrance"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// longBodies are the last headers of requests with long bodies, and the bytes that the client sends before it waits.
var longBodies = map[string]string{
	"with its length":            "Content-Length: 1048576\r\n\r\n",
	"just above the limit":       "Content-Length: 16385\r\n\r\n",
	"that is too large":          "Content-Length: 1048577\r\n\r\n",
	"in chunks":                  "Transfer-Encoding: chunked\r\n\r\n",
	"in a long chunk":            "Transfer-Encoding: chunked\r\n\r\nFFFF\r\nx",
	"after an Expect":            "Expect: 100-continue\r\nContent-Length: 1048576\r\n\r\n",
	"in chunks, after an Expect": "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n",
}

// sendHeader sends the beginning of a request, and returns the answer to it.
func (c client) sendHeader(t *testing.T, line, rest string) answer {
	t.Helper()
	conn := c.dial()
	if _, err := io.WriteString(conn, line+" HTTP/1.1\r\n"+rest); err != nil {
		t.Fatal(err)
	}
	return readAnswer(t, conn, "POST")
}

func TestALongBodyOfARejectedCallerIsNotRead(t *testing.T) {
	c := newGuardedFarm(t).client
	for name, body := range longBodies {
		t.Run(name, func(t *testing.T) {
			for _, line := range []string{"POST /v1/leases", "POST /create_user", "GET /get_users", "POST /nothing"} {
				got := c.sendHeader(t, line, "Host: x\r\n"+body).want(401)
				if problem := got.wantProblem(api.CodeUnauthorized); problem.Detail != needsKey {
					t.Errorf("got %q, want %q", problem.Detail, needsKey)
				}
				if how := got.header.Get("WWW-Authenticate"); how != `Bearer realm="userfarm"` {
					t.Errorf("got the challenge %q", how)
				}
				if got.header.Get("X-Request-Id") == "" {
					t.Error("the answer has no request id")
				}
			}
			got := c.sendHeader(t, "POST /v1/leases", "Host: x\r\nAuthorization: Bearer "+newToken()+"\r\n"+body).want(401)
			if problem := got.wantProblem(api.CodeUnauthorized); !strings.Contains(problem.Detail, "not known here") {
				t.Errorf("got %q", problem.Detail)
			}
			if how := got.header.Get("WWW-Authenticate"); how != `Bearer realm="userfarm", error="invalid_token"` {
				t.Errorf("got the challenge %q", how)
			}
		})
	}
}

func TestARejectedCallerThatSendsAllBeforeReadingGetsTheAnswer(t *testing.T) {
	body := strings.Repeat("x", 16<<20)
	length := fmt.Sprintf("Host: x\r\nContent-Length: %d\r\n\r\n", len(body))
	newGuardedFarm(t).sendHeader(t, "POST /v1/leases", length+body).want(401).wantProblem(api.CodeUnauthorized)
}

func TestALongBodyOfAPageOfAnotherSiteIsNotRead(t *testing.T) {
	c := newLoopbackClient(t)
	for name, body := range longBodies {
		t.Run(name, func(t *testing.T) {
			got := c.sendHeader(t, "POST /create_user", "Host: evil.example.com\r\n"+body).want(403)
			if problem := got.wantProblem(api.CodeForbidden); problem.Detail != noForeignPages {
				t.Errorf("got %q, want %q", problem.Detail, noForeignPages)
			}
		})
	}
}

// gateFunc is a gate that calls the function.
type gateFunc func() error

// Enter implements [ports.Gate].
func (f gateFunc) Enter(context.Context, domain.Token) (domain.Caller, ports.Farm, error) {
	return domain.Everybody(), failing(nil), f()
}

func TestALongBodyIsNotReadWhileTheGateFails(t *testing.T) {
	tests := map[string]struct {
		gate   gateFunc
		code   api.Code
		logged string
	}{
		"the store is unavailable": {func() error { return ports.ErrUnavailable }, api.CodeStoreUnavailable,
			`"level":"INFO","msg":"request not read"`},
		"the gate fails":  {func() error { return errors.New("a mistake at the gate") }, api.CodeInternal, "a mistake at the gate"},
		"the gate panics": {func() error { panic("a panic at the gate") }, api.CodeInternal, "panic: a panic at the gate\\ngoroutine"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := serve(t, newLoggingServer(test.gate, failing(nil), newLog()))
			for _, body := range longBodies {
				c.sendHeader(t, "POST /v1/leases", "Host: x\r\n"+body).wantProblem(test.code)
			}
			if !strings.Contains(logged.String(), test.logged) {
				t.Errorf("the log does not contain %q", test.logged)
			}
		})
	}
}

func TestALongBodyIsNotReadWhileTheGateHangs(t *testing.T) {
	gate := hangingGate{}
	inBubble(t, newLoggingServer(gate, failing(nil), newLog()), func(t *testing.T, dial func() net.Conn) {
		conn := dial()
		defer func() { _ = conn.Close() }()
		start := time.Now()
		if _, err := io.WriteString(conn, "POST /v1/leases HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		readAnswer(t, conn, "POST").want(503).wantProblem(api.CodeStoreUnavailable)
		if waited := time.Since(start); waited > 2*entrance.RequestTimeout {
			t.Errorf("the client got the answer after %v", waited)
		}
	})
}

// hangingGate is a gate that answers only when its context ends.
type hangingGate struct{}

// Enter implements [ports.Gate].
func (hangingGate) Enter(ctx context.Context, _ domain.Token) (domain.Caller, ports.Farm, error) {
	return domain.Caller{}, nil, hanging(ctx)
}

func TestACallerAuthorizedAfterTheRejectionOfItsBodyMustRetry(t *testing.T) {
	for name, body := range longBodies {
		t.Run(name, func(t *testing.T) {
			var asked atomic.Int32
			gate := gateFunc(func() error {
				if asked.Add(1) == 1 {
					return domain.ErrUnauthorized
				}
				return nil
			})
			c := serve(t, newLoggingServer(gate, failing(nil), newLog()))
			c.sendHeader(t, "POST /v1/leases", "Host: x\r\n"+body).want(503).wantProblem(api.CodeStoreUnavailable)
		})
	}
}

func TestALongBodyOfAnAuthorizedCallerIsRead(t *testing.T) {
	const size = 1 << 20
	body := `{"users":[{}],"note":"` + strings.Repeat("x", size-24) + `"}`
	bodies := map[string][2]string{
		"with its length": {"Content-Length: 1048576\r\n\r\n", body},
		"in chunks":       {"Transfer-Encoding: chunked\r\n\r\n", "100000\r\n" + body + "\r\n0\r\n\r\n"},
	}
	for name, parts := range bodies {
		t.Run(name, func(t *testing.T) {
			f, server := guardFarm()
			inBubble(t, server, func(t *testing.T, dial func() net.Conn) {
				f.client = overPipes(t, dial)
				conn := dial()
				defer func() { _ = conn.Close() }()
				header := "POST /v1/leases HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + f.key(domain.Tester) + "\r\n"
				for _, part := range []string{header + "Content-Type: application/json\r\n" + parts[0], parts[1]} {
					if _, err := io.WriteString(conn, part); err != nil {
						t.Fatal(err)
					}
					time.Sleep(http.ReadTimeout / 2)
				}
				readAnswer(t, conn, "POST").want(422).wantProblem(api.CodeInvalid, "/note")
			})
		})
	}
}

func TestAPublicRouteReadsNoLongBodies(t *testing.T) {
	c := newGuardedFarm(t).client
	for _, body := range []string{"Content-Length: 1048576\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n"} {
		c.sendHeader(t, "GET /ping", "Host: x\r\n"+body).want(401)
	}
	c.sendHeader(t, "GET /ping", "Host: x\r\nContent-Length: 3\r\n\r\nxxx").want(200)
}

func TestOnlyLongBodiesAreCheckedTwice(t *testing.T) {
	var asked atomic.Int32
	c := serve(t, newLoggingServer(gateFunc(func() error { asked.Add(1); return nil }), failing(nil), newLog()))
	for size, want := range map[int]int32{0: 1, 16 << 10: 1, 16<<10 + 1: 2} {
		asked.Store(0)
		c.post("/v1/leases", strings.Repeat("x", size))
		if got := asked.Load(); got != want {
			t.Errorf("for %d bytes, the gate was called %d times, want %d", size, got, want)
		}
	}
}
