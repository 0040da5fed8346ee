package http

import (
	"context"
	"log/slog"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/gofiber/fiber/v2"
)

const (
	maxBody   = 1 << 20
	maxHeader = 16 << 10 // with the request line

	arrivalTimeout = 5 * time.Second // for the rest of a request that had begun to arrive at a shutdown

	// requestTimeout is how long the farm may take, so that a store which hangs does not hang the caller.
	requestTimeout = 10 * time.Second
)

// jsonOptions make answers the same every time, and let one name a parameter that is not UTF-8.
var jsonOptions = json.JoinOptions(json.Deterministic(true), jsontext.AllowInvalidUTF8(true))

// newApp returns the Fiber application without its routes. Connections bound their writes themselves.
func newApp(settings Settings, entrance entrance, log *slog.Logger) *fiber.App {
	header := answerHeader{tls: settings.TLS}
	app := fiber.New(fiber.Config{
		// Without it, every string of a request changes when the next one reuses its buffer.
		Immutable: true,
		// A path with an empty id in it, /v1/users/, must not list all users.
		StrictRouting:                true,
		CaseSensitive:                true,
		DisableStartupMessage:        true,
		DisablePreParseMultipartForm: true,
		BodyLimit:                    maxBody,
		ReadBufferSize:               maxHeader,
		ReadTimeout:                  settings.Limits.ReadTimeout,
		IdleTimeout:                  settings.Limits.IdleTimeout,
		JSONEncoder:                  func(v any) ([]byte, error) { return json.Marshal(v, jsonOptions) },
		ErrorHandler:                 answerUnread(entrance, header, log),
	})
	server := app.Server()
	server.CloseOnShutdown = true
	server.HeaderReceived = entrance.holdOffBody
	server.Handler = refuseUnknownMethods(app, header, server.Handler)
	app.Use(header.use, logged(log), refuseUnreadablePath, bounded)
	return app
}

// bounded gives the handlers that come next a deadline.
func bounded(c *fiber.Ctx) error {
	ctx, cancel := context.WithTimeout(c.UserContext(), requestTimeout)
	defer cancel()
	c.SetUserContext(ctx)
	return c.Next()
}
