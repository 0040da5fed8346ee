package http

import (
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/userfarm/userfarm/domain"
)

// logged answers the errors of the handlers after it, and logs each request: its id, method, route and status, the id of the
// API key that it came with, and the error if it is the farm's fault. It logs no path, query, other header or body, for any
// of them may hold a lease id or a password. A log of level info has what admins do, and what fails.
func logged(log *slog.Logger) fiber.Handler {
	return func(c *fiber.Ctx) error {
		start := time.Now()
		err := recovered(c.Next)
		route := c.Route().Path
		if err != nil {
			if failed := answerProblem(c, err); failed != nil {
				return failed
			}
		}
		status := c.Response().StatusCode()
		attrs := []slog.Attr{
			slog.String("request_id", answeredRequestID(c)),
			slog.String("method", c.Method()),
			slog.String("route", route),
			slog.Int("status", status),
			slog.Duration("duration", time.Since(start)),
		}
		if key := callerOf(c).Key; !key.IsZero() {
			attrs = append(attrs, slog.String("key_id", key.String()))
		}
		level := levelOf(status)
		if status >= fiber.StatusInternalServerError {
			attrs = append(attrs, slog.Any("error", err))
		}
		if isAdministration(c, route) {
			level = max(level, slog.LevelInfo)
		}
		log.LogAttrs(c.UserContext(), level, "request", attrs...)
		return nil
	}
}

// levelOf returns the level at which an answer with the status is logged, if nothing else makes it worth more.
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

// isAdministration reports whether an admin, whom an API key tells, asked to change something that only admins may. Others
// changed nothing, and could fill the log; so could an admin who asks too often.
func isAdministration(c *fiber.Ctx, route string) bool {
	changes := c.Method() != fiber.MethodGet && c.Method() != fiber.MethodHead
	caller := callerOf(c)
	return changes && leastRoles[routeName(c.Method(), route)] == domain.Admin &&
		!caller.Key.IsZero() && caller.Role.Includes(domain.Admin) && c.Response().StatusCode() != fiber.StatusTooManyRequests
}

// recovered returns the error of run, and makes one of its panic.
func recovered(run func() error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("panic: %v\n%s", cause, debug.Stack())
		}
	}()
	return run()
}
