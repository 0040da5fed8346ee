package client

import (
	"context"
	"net/http"
	"time"

	"github.com/userfarm/userfarm/adapters/client/internal/api"
	"github.com/userfarm/userfarm/domain"
)

// Pools implements [ports.Pools].
func (c *Client) Pools(ctx context.Context) ([]domain.PoolCount, error) {
	of := call{operation: "count users"}
	answered, err := ask[api.PoolList](ctx, c, of, func(ctx context.Context) (*http.Response, error) { return c.api.ListPools(ctx) })
	if err != nil {
		return nil, err
	}
	var v views
	counts := make([]domain.PoolCount, len(answered.Pools))
	for i, p := range answered.Pools {
		counts[i] = domain.PoolCount{
			Pool: v.pool(p.ProjectID, p.Env, p.Domain), Total: p.Total, Free: p.Free, Locked: p.Locked, Quarantined: p.Quarantined,
			Waiting: p.Waiting, LongestWait: time.Duration(p.LongestWaitSeconds) * time.Second,
		}
	}
	return counts, v.check(of)
}

// Line implements [ports.Pools]. It returns 1,000 claims at most.
func (c *Client) Line(ctx context.Context, limit int) (line []domain.Waiter, total int, err error) {
	of := call{operation: "list the line"}
	params := api.ListLineParams{Limit: limitOf(limit)}
	answered, err := ask[api.Line](ctx, c, of, func(ctx context.Context) (*http.Response, error) {
		return c.api.ListLine(ctx, &params)
	})
	if err != nil {
		return nil, 0, err
	}
	var v views
	line = make([]domain.Waiter, len(answered.Waiters))
	for i, w := range answered.Waiters {
		line[i] = v.waiter(w)
	}
	return line, answered.Total, v.check(of)
}
