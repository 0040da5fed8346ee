package http

import (
	"errors"
	"log/slog"
	"net/url"
	"slices"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// answerUnread answers a request that could not be read, or whose body was not read because its sender may not enter. It logs
// no error of the client's, which may quote the request.
func answerUnread(entrance entrance, header answerHeader, log *slog.Logger) fiber.ErrorHandler {
	return func(c *fiber.Ctx, err error) error {
		if conn, ok := c.Context().Conn().(interface{ leaveUnread() }); ok && !errors.Is(ownError(err), errRequestTimeout) {
			conn.leaveUnread() // who was too slow has no more time
		}
		header.set(c)
		if isUnwelcome(&c.Request().Header) {
			err = challenge(c, entrance.whyUnwelcome(&c.Request().Header))
		}
		failed := answerProblem(c, err)
		status := c.Response().StatusCode()
		attrs := []slog.Attr{slog.String("request_id", answeredRequestID(c)), slog.Int("status", status)}
		if status >= fiber.StatusInternalServerError {
			attrs = append(attrs, slog.Any("error", err))
		}
		log.LogAttrs(c.UserContext(), levelOf(status), "request not read", attrs...)
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
