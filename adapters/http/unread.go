package http

import (
	"errors"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// answerUnread answers a request that could not be read. It does not log the error, which may quote the request.
func answerUnread(log *slog.Logger) fiber.ErrorHandler {
	return func(c *fiber.Ctx, err error) error {
		if errors.Is(ownError(err), errTooLarge) {
			drain(c.Context().Conn())
		}
		failed := answerProblem(c, err)
		log.DebugContext(c.UserContext(), "request not read", "status", c.Response().StatusCode())
		return failed
	}
}

// drain reads what a client is still sending. Without it, the connection would be reset, and the client would learn
// that instead of the answer.
func drain(conn net.Conn) {
	buffer := make([]byte, 64<<10)
	for end := time.Now().Add(readTimeout); time.Now().Before(end); {
		if conn.SetReadDeadline(time.Now().Add(drainTimeout)) != nil {
			return
		}
		if _, err := conn.Read(buffer); err != nil {
			return
		}
	}
}

// refuseUnreadablePath refuses a path that the generated code would answer with a text.
func refuseUnreadablePath(c *fiber.Ctx) error {
	if _, err := url.PathUnescape(c.Path()); err != nil {
		return errNotFound
	}
	return c.Next()
}

// refuseUnknownMethods answers methods that Fiber does not know and would answer with a text.
func refuseUnknownMethods(app *fiber.App, next fasthttp.RequestHandler) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) {
		if slices.Contains(fiber.DefaultMethods, string(ctx.Method())) {
			next(ctx)
			return
		}
		c := app.AcquireCtx(ctx)
		defer app.ReleaseCtx(c)
		c.Set(fiber.HeaderAllow, "GET, HEAD, POST, PATCH, DELETE")
		_ = answerProblem(c, errMethodNotAllowed) // a problem always has a JSON form
	}
}
