package http

import (
	"context"
	"errors"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/userfarm/userfarm/ports"
)

// pingTimeout is how long a store may take to tell that it answers.
const pingTimeout = 2 * time.Second

// healthRoutes tell how the service is.
type healthRoutes struct {
	health  ports.Health
	closing closing
}

// Healthz serves GET /healthz.
func (healthRoutes) Healthz(c *fiber.Ctx) error { return c.JSON(Health{Status: "ok"}) }

// Readyz serves GET /readyz.
func (r healthRoutes) Readyz(c *fiber.Ctx) error {
	if r.closing.hasBegun() {
		return errShuttingDown
	}
	ctx, cancel := context.WithTimeout(c.UserContext(), pingTimeout)
	defer cancel()
	if err := r.health.Ping(ctx); err != nil {
		return errors.Join(ports.ErrUnavailable, err)
	}
	return c.JSON(Health{Status: "ready"})
}
