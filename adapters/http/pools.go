package http

import (
	"github.com/gofiber/fiber/v2"

	"github.com/userfarm/userfarm/ports"
)

// poolRoutes tells how full the farm is.
type poolRoutes struct{ pools ports.Pools }

// ListPools serves GET /v1/pools.
func (r poolRoutes) ListPools(c *fiber.Ctx) error {
	counts, err := r.pools.Pools(c.UserContext())
	if err != nil {
		return err
	}
	return c.JSON(viewPools(counts))
}
