package http

import (
	"log/slog"
	"slices"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/userfarm/userfarm/adapters/http/internal/api"
	"github.com/userfarm/userfarm/adapters/http/internal/entrance"
	"github.com/userfarm/userfarm/adapters/http/problem"
)

// answerUnread answers a request that could not be read, or whose body was not read because its caller was rejected. It
// logs no error that the client caused, because such an error may quote the request.
func answerUnread(guard entrance.Guard, settings Settings, log *slog.Logger) fiber.ErrorHandler {
	return func(c *fiber.Ctx, err error) error {
		// A client that was too slow gets no more time.
		if conn, ok := c.Context().Conn().(interface{ LeaveUnread() }); ok && problem.KindOf(err).Code != api.CodeRequestTimeout {
			conn.LeaveUnread()
		}
		start := time.Now()
		writeHeader(c, settings.TLS)
		if rejected := guard.WhyRejected(&c.Request().Header); rejected != nil {
			err = entrance.Challenge(c, rejected)
		}
		failed := problem.Answer(c, err)
		status := c.Response().StatusCode()
		settings.Answered(NoRoute, noMethod, status, time.Since(start))
		attrs := []slog.Attr{slog.String("request_id", requestIDOf(c)), slog.Int("status", status)}
		if status >= fiber.StatusInternalServerError {
			attrs = append(attrs, slog.Any("error", err))
		}
		log.LogAttrs(c.UserContext(), levelOf(status), "request not read", attrs...)
		return failed
	}
}

// rejectUnknownMethods rejects methods that Fiber does not know and would answer with plain text.
func rejectUnknownMethods(app *fiber.App, settings Settings, next fasthttp.RequestHandler) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) {
		if slices.Contains(fiber.DefaultMethods, string(ctx.Method())) {
			next(ctx)
			return
		}
		ctx.Response.Header.Set(fiber.HeaderAllow, "GET, HEAD, POST, PATCH, DELETE")
		answerOutside(app, settings, ctx, problem.ErrMethodNotAllowed)
	}
}

// answerOutside answers err without Fiber's routes and middleware, and returns the request id.
func answerOutside(app *fiber.App, settings Settings, ctx *fasthttp.RequestCtx, err error) string {
	c := app.AcquireCtx(ctx)
	defer app.ReleaseCtx(c)
	start := time.Now()
	writeHeader(c, settings.TLS)
	_ = problem.Answer(c, err) // a problem always has a JSON form
	settings.Answered(NoRoute, noMethod, c.Response().StatusCode(), time.Since(start))
	return requestIDOf(c)
}
