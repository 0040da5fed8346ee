package http

import (
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/userfarm/userfarm/adapters/http/internal/api"
	"github.com/userfarm/userfarm/adapters/http/internal/entrance"
)

// poolRoutes count the users of pools.
type poolRoutes struct{}

// ListPools serves GET /v1/pools.
func (poolRoutes) ListPools(c *fiber.Ctx) error {
	counts, err := entrance.Of(c).Farm.Pools(c.UserContext())
	if err != nil {
		return err
	}
	pools := make([]api.Pool, len(counts))
	for i, count := range counts {
		pools[i] = api.Pool{
			ProjectID:   count.Pool.ProjectID.String(),
			Env:         count.Pool.Env,
			Domain:      count.Pool.Domain,
			Total:       count.Total,
			Free:        count.Free,
			Locked:      count.Locked,
			Quarantined: count.Quarantined,
			Waiting:     count.Waiting,

			LongestWaitSeconds: int(count.LongestWait / time.Second),
		}
	}
	return c.JSON(api.PoolList{Pools: pools})
}
