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

// serviceRoutes report the health of the service, and document it.
type serviceRoutes struct {
	shutdown context.Context //nolint:containedctx // of the server
	health   ports.Health
}

// Healthz serves GET /healthz.
func (serviceRoutes) Healthz(c *fiber.Ctx) error { return c.JSON(api.Health{Status: "ok"}) }

// Readyz serves GET /readyz.
func (r serviceRoutes) Readyz(c *fiber.Ctx) error {
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

// OpenAPI serves GET /openapi.yaml.
func (serviceRoutes) OpenAPI(c *fiber.Ctx) error {
	c.Set(fiber.HeaderContentType, "application/yaml")
	return c.Send(openapi)
}

// Docs serves GET /docs.
func (serviceRoutes) Docs(c *fiber.Ctx) error {
	c.Set(fiber.HeaderContentType, fiber.MIMETextHTMLCharsetUTF8)
	// The page needs nothing but its own styles, so a browser need allow nothing else.
	c.Set(fiber.HeaderContentSecurityPolicy, "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	return c.Send(docsPage)
}
