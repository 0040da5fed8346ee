package http

import (
	"errors"
	"log/slog"
	"net/url"
	"slices"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// answerUnread answers a request that could not be read. It does not log the error, which may quote the request.
func answerUnread(header answerHeader, log *slog.Logger) fiber.ErrorHandler {
	return func(c *fiber.Ctx, err error) error {
		if conn, ok := c.Context().Conn().(interface{ leaveUnread() }); ok && !errors.Is(ownError(err), errRequestTimeout) {
			conn.leaveUnread() // who was too slow has no more time
		}
		header.set(c)
		failed := answerProblem(c, err)
		log.DebugContext(c.UserContext(), "request not read",
			"request_id", answeredRequestID(c), "status", c.Response().StatusCode())
		return failed
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
func refuseUnknownMethods(app *fiber.App, header answerHeader, next fasthttp.RequestHandler) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) {
		if slices.Contains(fiber.DefaultMethods, string(ctx.Method())) {
			next(ctx)
			return
		}
		c := app.AcquireCtx(ctx)
		defer app.ReleaseCtx(c)
		header.set(c)
		c.Set(fiber.HeaderAllow, "GET, HEAD, POST, PATCH, DELETE")
		_ = answerProblem(c, errMethodNotAllowed) // a problem always has a JSON form
	}
}
