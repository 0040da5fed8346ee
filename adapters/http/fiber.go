package http

import (
	"context"
	"log/slog"
	"net/url"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/gofiber/fiber/v2"

	"github.com/userfarm/userfarm/adapters/http/internal/connection"
	"github.com/userfarm/userfarm/adapters/http/internal/entrance"
	"github.com/userfarm/userfarm/adapters/http/internal/read"
	"github.com/userfarm/userfarm/adapters/http/problem"
)

const maxBody = 1 << 20

// jsonOptions write equal answers as equal bytes, and allow an answer to name a parameter that is not UTF-8.
var jsonOptions = json.JoinOptions(json.Deterministic(true), jsontext.AllowInvalidUTF8(true))

// newApp returns the Fiber application without its routes. Package connection sets the deadlines of writes.
func newApp(settings Settings, guard entrance.Guard, log *slog.Logger) *fiber.App {
	app := fiber.New(fiber.Config{
		// Without it, the strings of a request change when the next request reuses its buffer.
		Immutable: true,
		// Without it, a path with an empty id, /v1/users/, would list all users.
		StrictRouting:                true,
		CaseSensitive:                true,
		DisableStartupMessage:        true,
		DisablePreParseMultipartForm: true,
		BodyLimit:                    maxBody,
		ReadBufferSize:               connection.MaxHeader,
		ReadTimeout:                  settings.Limits.ReadTimeout,
		IdleTimeout:                  settings.Limits.IdleTimeout,
		JSONEncoder:                  func(v any) ([]byte, error) { return json.Marshal(v, jsonOptions) },
		ErrorHandler:                 answerUnread(guard, settings, log),
	})
	server := app.Server()
	server.CloseOnShutdown = true
	server.HeaderReceived = guard.CheckHeader
	server.Handler = rejectUnknownMethods(app, settings, server.Handler)
	app.Use(setHeader(settings.TLS), answerErrors(settings.Answered, newTracing(settings), log), rejectUnreadablePath, setDeadline)
	return app
}

// setDeadline gives the next handlers a context with a deadline.
func setDeadline(c *fiber.Ctx) error {
	ctx, cancel := context.WithTimeout(c.UserContext(), entrance.RequestTimeout)
	defer cancel()
	c.SetUserContext(ctx)
	return c.Next()
}

// rejectUnreadablePath rejects a path that generated code would answer with plain text.
func rejectUnreadablePath(c *fiber.Ctx) error {
	if _, err := url.PathUnescape(c.Path()); err != nil {
		return problem.ErrNotFound
	}
	return c.Next()
}

// conditions are the headers that make a request depend on the state of its target.
var conditions = []string{fiber.HeaderIfMatch, fiber.HeaderIfNoneMatch, fiber.HeaderIfUnmodifiedSince}

// rejectConditions rejects conditions under /v1 that the route does not understand. To ignore them would be to do what the client
// does not want.
func rejectConditions(c *fiber.Ctx, next fiber.Handler) error {
	if route := c.Route(); strings.HasPrefix(route.Path, "/v1/") {
		readsSession := strings.HasSuffix(route.Path, "/session") && route.Method == fiber.MethodGet
		for _, name := range conditions {
			if readsSession && name == fiber.HeaderIfNoneMatch {
				continue
			}
			if len(c.Request().Header.PeekAll(name)) > 0 {
				return problem.Explain(problem.ErrMalformed, "The header %s is not supported. To end a certain lock only, send its fence "+
					"in the body of force-release.", name)
			}
		}
	}
	return next(c)
}

// lists are the GET routes under /v1 whose handlers read the query.
var lists = []string{"/v1/users", "/v1/events", "/v1/events/stream", "/v1/keys", "/v1/line", "/v1/pools/advice"}

// bulk are the POST routes whose handlers read the query.
var bulk = []string{"/v1/users/import", "/v1/users/export"}

// removal is the DELETE route whose handler reads the query.
const removal = "/v1/users/:user_id"

// rejectQuery rejects a query on all other routes under /v1.
func rejectQuery(c *fiber.Ctx, next fiber.Handler) error {
	route := c.Route()
	readsQuery := slices.Contains(lists, route.Path) && route.Method != fiber.MethodPost || slices.Contains(bulk, route.Path) ||
		route.Path == removal && route.Method == fiber.MethodDelete
	if strings.HasPrefix(route.Path, "/v1/") && !readsQuery && len(c.Request().URI().QueryString()) > 0 {
		if err := (read.Parameters[struct{}]{}).Read(read.RawQuery(c), &struct{}{}); err != nil {
			return err
		}
	}
	return next(c)
}
