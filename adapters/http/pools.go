package http

import "github.com/gofiber/fiber/v2"

// poolRoutes tells how full the farm is.
type poolRoutes struct{}

// ListPools serves GET /v1/pools.
func (poolRoutes) ListPools(c *fiber.Ctx) error {
	counts, err := farmOf(c).Pools(c.UserContext())
	if err != nil {
		return err
	}
	return c.JSON(viewPools(counts))
}
