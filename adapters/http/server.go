package http

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/userfarm/userfarm/ports"
)

// Server serves a farm over HTTP.
type Server struct {
	app      *fiber.App
	settings Settings
	log      *slog.Logger
	closing  closing

	mu       sync.Mutex
	listener *listener // that Serve listens on
}

// New returns a server for the farm behind gate, which is ready as long as health is. It logs requests to log. It returns an
// error if a limit can't be kept, or if not every route has somebody who may call it.
func New(gate ports.Gate, health ports.Health, settings Settings, log *slog.Logger) (*Server, error) {
	if err := settings.Limits.Validate(); err != nil {
		return nil, err
	}
	entrance := entrance{gate: gate, loopbackOnly: settings.LoopbackOnly, rate: newRateLimit(settings.Limits.Rate)}
	s := &Server{app: newApp(settings, entrance, log), settings: settings, log: log, closing: newClosing()}
	long := newLongRequests(settings.Limits.Waiting, gate)
	RegisterHandlersWithOptions(s.app, routes{
		leaseRoutes:  leaseRoutes{waiting{s.closing, long}},
		eventRoutes:  eventRoutes{s.closing, long, log},
		legacyRoutes: legacyRoutes{long, log},
		healthRoutes: healthRoutes{health: health, closing: s.closing},
	}, FiberServerOptions{HandlerMiddlewares: []HandlerMiddlewareFunc{entrance.admit, checkQuery}})
	if err := checkAccess(s.app.GetRoutes(true)); err != nil {
		return nil, err
	}
	return s, nil
}

// routes has a handler for every operation of openapi.yaml.
type routes struct {
	leaseRoutes
	userRoutes
	circulationRoutes
	poolRoutes
	eventRoutes
	keyRoutes
	legacyRoutes
	healthRoutes
	docsRoutes
}

// Serve answers the requests that come to inner, and closes it, until [Server.Shutdown]. It returns nil then, and an
// error if it can't accept connections.
func (s *Server) Serve(inner net.Listener) error {
	refusals := newRefusals(s.app, answerHeader{tls: s.settings.TLS}, s.log)
	listener := newListener(inner, s.settings.Limits, refusals, s.log)
	s.mu.Lock()
	s.listener = listener
	closing := s.closing.hasBegun()
	s.mu.Unlock()
	if closing {
		return listener.Close()
	}
	return s.app.Listener(listener)
}

// Shutdown accepts no more connections, and returns when all requests that arrived were answered. Those that stand in line
// are answered at once, and streams of events end. What began to arrive has five seconds for the rest. It returns the error
// of ctx if that ends first.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.closing.begin()
	listener := s.listener
	s.mu.Unlock()
	if listener == nil {
		return nil
	}
	// Fiber can't be shut down before it accepts connections, and Serve may be on the way to that.
	if err := listener.Close(); err != nil {
		return err
	}
	listener.cut(isSilent)
	late := time.AfterFunc(arrivalTimeout, func() { listener.cut(isAwaiting) })
	defer late.Stop()
	return s.app.ShutdownWithContext(ctx)
}
