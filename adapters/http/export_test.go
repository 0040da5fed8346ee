package http

import (
	"github.com/gofiber/fiber/v2"

	"github.com/userfarm/userfarm/domain"
)

// What the external tests see of this package beyond its API.

// OpenAPI is the text of openapi.yaml.
var OpenAPI = openapi

// Timeouts and intervals of the server.
const (
	RequestTimeout = requestTimeout
	ArrivalTimeout = arrivalTimeout
	RefusalTimeout = refusalTimeout

	PollInterval      = pollInterval
	HeartbeatInterval = heartbeatInterval
)

// Limits of a server that was not configured.
var (
	ReadTimeout  = DefaultLimits().ReadTimeout
	WriteTimeout = DefaultLimits().WriteTimeout
	IdleTimeout  = DefaultLimits().IdleTimeout
)

// LeastRoles says who may call each route.
var LeastRoles = leastRoles

// ReplaceLeastRoles lets others say so, until restore is called.
func ReplaceLeastRoles(roles map[string]domain.Role) (restore func()) {
	before := leastRoles
	leastRoles = roles
	return func() { leastRoles = before }
}

// Functions that the external tests call.
var (
	FormatCursor     = formatCursor[domain.UserID]
	ParseCursor      = parseCursor[domain.UserID]
	ParseFilter      = parseFilter
	ParseKeys        = parseKeyFilter
	ParseBearer      = parseAuthorization
	ParseProjectID   = parseID[domain.ProjectID]
	ParseLeaseID     = parseID[domain.LeaseID]
	ParseKeyID       = parseID[domain.APIKeyID]
	ParseEvents      = parseEventFilter
	NewestEvent      = newestEvent
	LegacyBodyFields = legacyBodyFields
)

// RateLimit bounds how many requests a second come with one API key.
type RateLimit = rateLimit

// NewRateLimit returns a limit.
var NewRateLimit = newRateLimit

// Take counts a request of a caller.
func (l *rateLimit) Take(caller domain.Caller) error { return l.take(caller) }

// Known returns how many API keys are remembered.
func (l *rateLimit) Known() int { return len(l.keys) }

// Locktime is the number that the legacy routes write.
type Locktime = locktime

// Routes returns the routes that the server serves.
func (s *Server) Routes() []fiber.Route { return s.app.GetRoutes(true) }

// Handle serves a further route.
func (s *Server) Handle(method, path string, handler fiber.Handler) { s.app.Add(method, path, handler) }

// Begun returns how many connections there are on which something has arrived.
func (s *Server) Begun() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listener.cut(func(c *connection) bool {
		if !isSilent(c) {
			n++
		}
		return false
	})
	return n
}
