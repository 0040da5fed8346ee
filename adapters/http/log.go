package http

import (
	"log/slog"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/userfarm/userfarm/adapters/http/internal/entrance"
	"github.com/userfarm/userfarm/adapters/http/problem"
)

// answerErrors returns the handler that answers the errors of the next handlers, and logs each request: its id, method,
// route, status, duration in milliseconds, API key id and trace, and the error if the farm is to blame. It does not log the path, the query,
// other headers or the body, because each may have a lease id or a password. At level info, a log has the changes by admins and
// the failures. It traces each request, and tells answered of it, too.
func answerErrors(
	answered func(route, method string, status int, took time.Duration), traces tracing, log *slog.Logger,
) fiber.Handler {
	return func(c *fiber.Ctx) error {
		start := time.Now()
		span := traces.begin(c)
		defer span.End()
		err := problem.Catch(c.Next)
		route := c.Route().Path
		if err != nil {
			if failed := problem.Answer(c, err); failed != nil {
				return failed
			}
		} else {
			err = entrance.FailureOf(c)
		}
		status := c.Response().StatusCode()
		took := time.Since(start)
		pattern := patternOf(route, status)
		answered(pattern, c.Method(), status, took)
		describe(span, c.Method(), pattern, status, err)
		level := levelOf(status)
		if entrance.IsAdministration(c, route) {
			level = max(level, slog.LevelInfo)
		}
		if !log.Enabled(c.UserContext(), level) {
			return nil // before the line is built: at level info, hardly any request is logged
		}
		attrs := []slog.Attr{
			slog.String("request_id", requestIDOf(c)),
			slog.String("method", c.Method()),
			slog.String("route", route),
			slog.Int("status", status),
			slog.Float64("duration_ms", float64(took.Microseconds())/1000),
		}
		if key := entrance.Of(c).Caller.Key; !key.IsZero() {
			attrs = append(attrs, slog.String("key_id", key.String()))
		}
		if of := spanContextOf(c, span); of.IsValid() {
			attrs = append(attrs, slog.String("trace_id", of.TraceID().String()), slog.String("traceparent", traceparent(of)))
		}
		if status >= fiber.StatusInternalServerError {
			attrs = append(attrs, slog.Any("error", err))
		}
		log.LogAttrs(c.UserContext(), level, "request", attrs...)
		return nil
	}
}

// NoRoute is the route of requests for unknown paths, and of those that were rejected before they were read.
const NoRoute = "none"

// noMethod is the method of requests whose method is not known to the server, or was not read.
const noMethod = "none"

// patternOf returns the route of a request that was answered. Fiber says that one for an unknown path has the route of the root.
func patternOf(route string, status int) string {
	if route == "/" && (status == fiber.StatusNotFound || status == fiber.StatusMethodNotAllowed) {
		return NoRoute
	}
	return route
}

// levelOf returns the least level at which an answer with the status is logged.
func levelOf(status int) slog.Level {
	switch {
	case status == fiber.StatusInternalServerError:
		return slog.LevelError
	case status > fiber.StatusInternalServerError:
		return slog.LevelInfo
	default:
		return slog.LevelDebug
	}
}
