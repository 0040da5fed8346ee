package http

import (
	"context"
	"errors"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/userfarm/userfarm/adapters/http/internal/api"
	"github.com/userfarm/userfarm/adapters/http/problem"
	"github.com/userfarm/userfarm/ports"
)

// pingTimeout is the time in which a store must answer a health check.
const pingTimeout = 2 * time.Second

// healthRoutes report the health of the service.
type healthRoutes struct {
	shutdown context.Context // of the server
	health   ports.Health
}

// Healthz serves GET /healthz.
func (healthRoutes) Healthz(c *fiber.Ctx) error { return c.JSON(api.Health{Status: "ok"}) }

// Readyz serves GET /readyz.
func (r healthRoutes) Readyz(c *fiber.Ctx) error {
	if r.shutdown.Err() != nil {
		return problem.ErrShuttingDown
	}
	ctx, cancel := context.WithTimeout(c.UserContext(), pingTimeout)
	defer cancel()
	if err := r.health.Ping(ctx); err != nil {
		return errors.Join(ports.ErrUnavailable, err)
	}
	return c.JSON(api.Health{Status: "ready"})
}
