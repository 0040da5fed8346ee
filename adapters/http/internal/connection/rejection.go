package connection

import (
	"bufio"
	"net"
	"time"

	"github.com/valyala/fasthttp"
)

const (
	// RejectionTimeout bounds a rejection: the handshake, the header of the request and the answer.
	RejectionTimeout = time.Second

	// MaxHeader is the most bytes of a request line and headers that the server reads.
	MaxHeader = 16 << 10

	maxRejections = 64 // at one time; connections above it are closed without an answer
)

// handler writes the answer to a request.
type handler = func(*fasthttp.RequestCtx)

// rejections answer the connections above the limit.
type rejections struct {
	answer handler
	places chan struct{}
}

func newRejections(answer handler) rejections {
	return rejections{answer, make(chan struct{}, maxRejections)}
}

// start answers the first request on a connection, in the background, and closes the connection. It closes the connection
// at once if there are too many rejections.
func (r rejections) start(conn net.Conn) {
	select {
	case r.places <- struct{}{}:
		go func() {
			defer func() { <-r.places }()
			r.serve(conn)
		}()
	default:
		_ = conn.Close()
	}
}

func (r rejections) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	end := time.Now().Add(RejectionTimeout)
	if conn.SetDeadline(end) != nil {
		return
	}
	// Clients treat an answer that comes before their request as an error of the server.
	var ctx fasthttp.RequestCtx
	if ctx.Request.Header.Read(bufio.NewReaderSize(conn, MaxHeader)) != nil {
		return
	}
	r.answer(&ctx)
	ctx.Response.SkipBody = ctx.IsHead()
	ctx.SetConnectionClose()
	if _, err := ctx.Response.WriteTo(conn); err == nil {
		linger(conn, end)
	}
}
