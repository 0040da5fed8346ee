package http

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	nethttp "net/http"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
	"go.opentelemetry.io/otel/trace"

	"github.com/userfarm/userfarm/adapters/http/dashboard"
	"github.com/userfarm/userfarm/adapters/http/internal/api"
	"github.com/userfarm/userfarm/adapters/http/internal/connection"
	"github.com/userfarm/userfarm/adapters/http/internal/entrance"
	"github.com/userfarm/userfarm/adapters/http/internal/legacy"
	"github.com/userfarm/userfarm/adapters/http/problem"
	"github.com/userfarm/userfarm/ports"
)

// arrivalTimeout is the time that a request may still take to arrive after a shutdown has begun.
const arrivalTimeout = 5 * time.Second

// Settings are what the operator of a [Server] chooses.
type Settings struct {
	Limits Limits

	// LoopbackOnly says that only this machine reaches the server, and that it may serve requests without an API key. The
	// server then rejects requests without a key that a browser may have sent for a page of another site.
	LoopbackOnly bool

	// TLS says that clients use TLS to reach the server. Answers then tell browsers to use only that.
	TLS bool

	// Sealer seals API keys in the cookies of the page for people; see [dashboard.Settings].
	Sealer ports.Sealer

	// ReadUsers reads a file of users that is imported on the page.
	ReadUsers dashboard.ReadUsers

	// Metrics is the page at /metrics. It reads the header Accept-Encoding and Accept of the request, and nothing else. It may be nil:
	// then there is no such page.
	Metrics nethttp.Handler

	// Answered is called with the route of each request that was answered, its method, its status and how long it took. The route is
	// the pattern, or [NoRoute]. It may be nil.
	Answered func(route, method string, status int, took time.Duration)

	// Traces get a span of each request, but for those of monitoring and those that are rejected before they are read. Stores add theirs to
	// it. They may be nil: then nothing is traced.
	Traces trace.TracerProvider
}

// Server serves a farm over HTTP.
type Server struct {
	app      *fiber.App
	settings Settings
	log      *slog.Logger
	shutdown context.Context // ends with problem.ErrShuttingDown when the shutdown begins
	begin    context.CancelCauseFunc

	mu       sync.Mutex
	listener *connection.Listener // of Serve
}

// New returns a server for the farm behind gate, which is ready while health is. It logs requests to log. It returns an
// error if the limits are invalid, or if no role is set for a route.
func New(gate ports.Gate, health ports.Health, settings Settings, log *slog.Logger) (*Server, error) {
	if err := settings.Limits.Validate(); err != nil {
		return nil, err
	}
	if settings.Answered == nil {
		settings.Answered = func(string, string, int, time.Duration) {}
	}
	guard := entrance.NewGuard(gate, settings.LoopbackOnly, settings.Limits.Rate)
	s := &Server{settings: settings, log: log}
	s.shutdown, s.begin = context.WithCancelCause(context.Background())
	long := entrance.NewLongRequests(s.shutdown, gate, settings.Limits.Waiting)
	page := dashboard.New(s.shutdown, gate, guard, long, dashboard.Settings{
		Sealer: settings.Sealer, Secure: settings.TLS, ReadUsers: settings.ReadUsers,
	}, log)
	s.app = newApp(settings, page.Guard(), log)
	page.Register(s.app)
	api.RegisterHandlersWithOptions(s.app, routes{
		leaseRoutes:   leaseRoutes{long},
		eventRoutes:   eventRoutes{s.shutdown, long, log},
		legacyRoutes:  legacy.Routes{Long: long, Log: log},
		healthRoutes:  healthRoutes{s.shutdown, health},
		metricsRoutes: metricsRoutes{settings.Metrics},
	}, api.FiberServerOptions{HandlerMiddlewares: []api.HandlerMiddlewareFunc{guard.Admit, rejectQuery, rejectConditions}})
	if err := entrance.CheckRoutes(s.app.GetRoutes(true)); err != nil {
		return nil, err
	}
	return s, nil
}

type legacyRoutes = legacy.Routes

// routes has a handler for every operation of openapi.yaml.
type routes struct {
	leaseRoutes
	sessionRoutes
	userRoutes
	importRoutes
	circulationRoutes
	poolRoutes
	adviceRoutes
	projectRoutes
	lineRoutes
	eventRoutes
	keyRoutes
	legacyRoutes
	healthRoutes
	metricsRoutes
	docsRoutes
}

// TLSConfig returns the configuration of a TLS listener for [Server.Serve]. certFile has the certificate and its chain,
// keyFile the private key, both in PEM. The error names both files if they can't be used.
//
// The files may be replaced while the server runs: new handshakes use them after at most a second. If they can't be used,
// the old certificate stays in use, and the log has an error for each change of the files.
func TLSConfig(certFile, keyFile string, log *slog.Logger) (*tls.Config, error) {
	return connection.TLSConfig(certFile, keyFile, func(err error) {
		log.Error("the TLS certificate can't be used", "error", err)
	})
}

// Serve answers the requests on the connections of inner until [Server.Shutdown], and closes inner. It returns nil after a
// shutdown, and an error if it can't accept connections.
func (s *Server) Serve(inner net.Listener) error {
	tooMany := func(ctx *fasthttp.RequestCtx) {
		id := answerOutside(s.app, s.settings, ctx, problem.ErrTooManyConnections)
		s.log.Debug("connection rejected", "request_id", id)
	}
	listener := connection.NewListener(inner, connection.Limits{
		Connections:  s.settings.Limits.Connections,
		ReadTimeout:  s.settings.Limits.ReadTimeout,
		WriteTimeout: s.settings.Limits.WriteTimeout,
	}, tooMany, s.log)
	s.mu.Lock()
	s.listener = listener
	closing := s.shutdown.Err() != nil
	s.mu.Unlock()
	if closing {
		return listener.Close()
	}
	return s.app.Listener(listener)
}

// Shutdown accepts no more connections, and returns when all requests that arrived are answered. Requests that wait are
// answered at once, and streams of events end. Requests that began to arrive have five more seconds. If ctx ends first,
// Shutdown returns its error.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.begin(problem.ErrShuttingDown)
	listener := s.listener
	s.mu.Unlock()
	if listener == nil {
		return nil
	}
	// Fiber can't be shut down before it accepts connections, and Serve may not have reached that point.
	if err := listener.Close(); err != nil {
		return err
	}
	listener.CutSilent()
	late := time.AfterFunc(arrivalTimeout, listener.CutAwaiting)
	defer late.Stop()
	return s.app.ShutdownWithContext(ctx)
}
