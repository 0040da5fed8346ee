package http

import "github.com/gofiber/fiber/v2"

// What the external tests see of this package beyond its API.

// OpenAPI is the text of openapi.yaml.
var OpenAPI = openapi

// Timeouts and intervals of the server.
const (
	ReadTimeout    = readTimeout
	WriteTimeout   = writeTimeout
	RequestTimeout = requestTimeout
	ArrivalTimeout = arrivalTimeout

	PollInterval      = pollInterval
	HeartbeatInterval = heartbeatInterval
)

// Functions that the external tests call.
var (
	FormatCursor   = formatCursor
	ParseCursor    = parseCursor
	ParseFilter    = parseFilter
	ParseEvents    = parseEventFilter
	NewestEvent    = newestEvent
	SeedBodyFields = seedBodyFields
)

// Locktime is the number that the seed routes write.
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
