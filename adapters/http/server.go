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
	app     *fiber.App
	closing closing

	mu       sync.Mutex
	listener *listener // that Serve listens on
}

// New returns a server for farm, which is ready as long as health is. It logs requests to log.
func New(farm ports.Farm, health ports.Health, log *slog.Logger) *Server {
	s := &Server{app: newApp(log), closing: newClosing()}
	RegisterHandlersWithOptions(s.app, routes{
		leaseRoutes:       leaseRoutes{farm, s.closing},
		userRoutes:        userRoutes{farm},
		circulationRoutes: circulationRoutes{farm},
		poolRoutes:        poolRoutes{farm},
		eventRoutes:       eventRoutes{farm, s.closing, log},
		seedRoutes:        seedRoutes{accounts: farm, locks: farm, log: log},
		healthRoutes:      healthRoutes{health: health, closing: s.closing},
	}, FiberServerOptions{HandlerMiddlewares: []HandlerMiddlewareFunc{checkQuery}})
	return s
}

// routes has a handler for every operation of openapi.yaml.
type routes struct {
	leaseRoutes
	userRoutes
	circulationRoutes
	poolRoutes
	eventRoutes
	seedRoutes
	healthRoutes
	docsRoutes
}

// Serve answers the requests that come to inner, and closes it, until [Server.Shutdown]. It returns nil then, and an
// error if it can't accept connections.
func (s *Server) Serve(inner net.Listener) error {
	listener := newListener(inner)
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
