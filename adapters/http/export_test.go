package http

import (
	"github.com/gofiber/fiber/v2"

	"github.com/userfarm/userfarm/adapters/http/internal/read"
	"github.com/userfarm/userfarm/ports"
)

// These exports are for the external tests of this package.

// OpenAPI is the text of openapi.yaml.
var OpenAPI = openapi

// Timeouts and intervals of the server.
const (
	ArrivalTimeout = arrivalTimeout

	PollInterval      = pollInterval
	HeartbeatInterval = heartbeatInterval
)

// Limits of a server without other settings.
var (
	ReadTimeout  = DefaultLimits().ReadTimeout
	WriteTimeout = DefaultLimits().WriteTimeout
	IdleTimeout  = DefaultLimits().IdleTimeout
)

// ParseFilter reads the query of GET /v1/users.
func ParseFilter(rawQuery string) (ports.Query, error) {
	q := ports.Query{Limit: read.DefaultLimit}
	err := userParameters.Read(rawQuery, &q)
	return q, err
}

// ParseKeys reads the query of GET /v1/keys.
func ParseKeys(rawQuery string) (ports.KeyQuery, error) {
	q := ports.KeyQuery{Limit: read.DefaultLimit}
	err := keyParameters.Read(rawQuery, &q)
	return q, err
}

// ParseEvents reads the query of GET /v1/events.
func ParseEvents(rawQuery string) (ports.EventQuery, error) {
	q := ports.EventQuery{Limit: read.DefaultLimit}
	err := eventPageParameters.Read(rawQuery, &q)
	return q, err
}

// Routes returns the routes that the server serves.
func (s *Server) Routes() []fiber.Route { return s.app.GetRoutes(true) }

// Handle serves a further route.
func (s *Server) Handle(method, path string, handler fiber.Handler) { s.app.Add(method, path, handler) }

// RequestTracer returns what a server does in each request to trace it.
func RequestTracer(settings Settings) func(*fiber.Ctx) {
	traces := newTracing(settings)
	return func(c *fiber.Ctx) {
		span := traces.begin(c)
		defer span.End()
		describe(span, fiber.MethodPost, "/v1/leases", fiber.StatusCreated, nil)
	}
}
