package http

import (
	nethttp "net/http"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/adaptor"

	"github.com/userfarm/userfarm/adapters/http/internal/entrance"
	"github.com/userfarm/userfarm/adapters/http/problem"
	"github.com/userfarm/userfarm/domain"
)

// metricsRoutes serve the page for Prometheus.
type metricsRoutes struct {
	page nethttp.Handler // nil if there is none
}

// Metrics serves GET /metrics. The page has the pools of all projects, so a key that is limited to some must not read it.
func (r metricsRoutes) Metrics(c *fiber.Ctx) error {
	if entrance.Of(c).Caller.Scope.Limited {
		return problem.Explain(domain.ErrForbidden, "The metrics are about all projects, and the API key is limited to some.")
	}
	if r.page == nil {
		return problem.ErrNotFound
	}
	return adaptor.HTTPHandler(r.page)(c)
}
