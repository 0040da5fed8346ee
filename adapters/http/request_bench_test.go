package http_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/userfarm/userfarm/adapters/http"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// BenchmarkRequest measures the cost of HTTP alone: the requests come from memory, and the farm always answers the same.
func BenchmarkRequest(b *testing.B) {
	const want = `{"users":[{"project_id":"` + projectID + `","env":"staging"}],"owner":"ci-4711/worker-3","ttl_seconds":600}`
	for name, request := range map[string]string{
		"acquire": fmt.Sprintf("POST /v1/leases HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
			len(want), want),
		"release": "POST /v1/leases/" + constantLease.ID.Reveal() + "/release HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nContent-Length: 0\r\n\r\n",
	} {
		b.Run(name, func(b *testing.B) {
			server := mustServe(http.New(constantFarm{}, nil, http.Settings{Limits: http.DefaultLimits(), LoopbackOnly: true},
				slog.New(slog.DiscardHandler)))
			client := &memoryClient{b: b, request: request, left: b.N, closed: make(chan struct{})}
			b.ReportAllocs()
			served := make(chan error, 1)
			go func() { served <- server.Serve(client) }()
			<-client.closed
			b.StopTimer()
			if err := server.Shutdown(b.Context()); err != nil {
				b.Error(err)
			}
			if err := <-served; err != nil {
				b.Error(err)
			}
		})
	}
}

// constantFarm grants the same lease to every caller.
type constantFarm struct{ ports.Farm }

var constantLease = domain.Lease{
	ID: domain.NewLeaseID(), Owner: "ci-4711/worker-3", AcquiredAt: time.Now(), ExpiresAt: time.Now().Add(10 * time.Minute),
	Users: []domain.LeasedUser{{
		ID: domain.NewUserID(time.Now()), Login: "user-1@example.com", Password: domain.NewSecret("password"),
		Pool: domain.Pool{ProjectID: domain.ProjectID{1}, Env: "staging", Domain: "shop.example.com"}, Fence: 12,
	}},
}

func (f constantFarm) Enter(context.Context, domain.Token) (domain.Caller, ports.Farm, error) {
	return domain.Everybody(), f, nil
}

func (constantFarm) Acquire(context.Context, []domain.Selector, domain.Terms, domain.IdempotencyKey) (domain.Lease, error) {
	return constantLease, nil
}

func (constantFarm) Release(context.Context, domain.LeaseID, ...domain.Fault) error { return nil }

// memoryClient is a listener that accepts one connection, on which it sends the same request again and again.
type memoryClient struct {
	net.Conn

	b        *testing.B
	request  string
	left     int
	accepted bool
	closed   chan struct{} // when all requests are answered
}

func (c *memoryClient) Accept() (net.Conn, error) {
	if c.accepted {
		<-c.closed
		return nil, io.EOF
	}
	c.accepted = true
	return memoryConn{c}, nil
}

func (*memoryClient) Addr() net.Addr { return &net.TCPAddr{} }

// Close leaves the connection open: it ends with the requests.
func (*memoryClient) Close() error { return nil }

type memoryConn struct{ *memoryClient }

func (c memoryConn) Read(p []byte) (int, error) {
	if c.left == 0 {
		return 0, io.EOF
	}
	c.left--
	return copy(p, c.request), nil
}

func (c memoryConn) Write(p []byte) (int, error) {
	if status := string(p[9:12]); status != "201" && status != "204" {
		c.b.Errorf("got the answer %s", p)
	}
	return len(p), nil
}

func (c memoryConn) Close() error {
	close(c.closed)
	return nil
}

func (memoryConn) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (memoryConn) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (memoryConn) SetReadDeadline(time.Time) error  { return nil }
func (memoryConn) SetWriteDeadline(time.Time) error { return nil }
