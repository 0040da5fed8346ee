package http

import (
	"bufio"
	"log/slog"
	"net"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

const (
	refusalTimeout = time.Second // for all of it: a handshake, the header of a request, the answer
	maxRefusals    = 64          // at one time; who comes then is not answered
)

// refusals answer the connections that are too many.
type refusals struct {
	app    *fiber.App
	header answerHeader
	log    *slog.Logger
	places chan struct{}
}

func newRefusals(app *fiber.App, header answerHeader, log *slog.Logger) refusals {
	return refusals{app, header, log, make(chan struct{}, maxRefusals)}
}

// refuse answers the request that comes on a connection with a problem, and closes the connection. It does not wait for
// that. If too many are being refused already, it closes the connection at once.
func (r refusals) refuse(conn net.Conn) {
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

func (r refusals) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	end := time.Now().Add(refusalTimeout)
	if conn.SetDeadline(end) != nil {
		return
	}
	// Clients take an answer that comes before their request for a mistake of the server's.
	var ctx fasthttp.RequestCtx
	if ctx.Request.Header.Read(bufio.NewReaderSize(conn, maxHeader)) != nil {
		return
	}
	r.answer(&ctx)
	if _, err := ctx.Response.WriteTo(conn); err == nil {
		linger(conn, end)
	}
}

func (r refusals) answer(ctx *fasthttp.RequestCtx) {
	c := r.app.AcquireCtx(ctx)
	defer r.app.ReleaseCtx(c)
	r.header.set(c)
	_ = answerProblem(c, errTooManyConnections) // a problem always has a JSON form
	ctx.Response.SkipBody = ctx.IsHead()
	ctx.SetConnectionClose()
	r.log.DebugContext(c.UserContext(), "connection refused", "request_id", answeredRequestID(c))
}
