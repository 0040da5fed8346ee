package client

import (
	"context"
	"net/http"
	"time"

	"github.com/userfarm/userfarm/adapters/client/internal/api"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// Advice implements [ports.Pools].
func (c *Client) Advice(ctx context.Context, q ports.AdviceQuery) (domain.Advice, error) {
	of := call{operation: "advise"}
	params := api.AdvisePoolsParams{ProjectID: givenID(q.ProjectID), Env: given(q.Env), Domain: given(q.Domain)}
	if !q.Since.IsZero() {
		params.Since = &q.Since
	}
	if q.Target != 0 {
		params.TargetSeconds = new(int(seconds(q.Target)))
	}
	answered, err := ask[api.PoolAdvice](ctx, c, of, func(ctx context.Context) (*http.Response, error) { return c.api.AdvisePools(ctx, &params) })
	if err != nil {
		return domain.Advice{}, err
	}
	var v views
	advice := domain.Advice{
		Since: answered.Since, Until: answered.Until, Target: time.Duration(answered.TargetSeconds) * time.Second,
		Claims: answered.Claims, Cut: answered.Cut,
	}
	for _, w := range answered.Wants {
		want := domain.WantAdvice{
			Pool: v.pool(w.ProjectID, w.Env, w.Domain), Project: w.Project, Labels: domain.Labels(w.Labels), Claims: w.Claims, Users: w.Users,
			Quarantined: w.Quarantined, Measured: waitsOf(w.Measured), Enough: w.Enough, Reached: w.Reached, Most: w.Most,
		}
		for _, size := range w.Curve {
			want.Curve = append(want.Curve, domain.SizeWaits{Users: size.Users, Waits: waitsOf(size.Waits)})
		}
		if together := w.Together; together != nil {
			want.Together.Waits = waitsOf(together.Waits)
			for _, more := range together.More {
				want.Together.More = append(want.Together.More, domain.MoreUsers{Labels: domain.Labels(more.Labels), Users: more.Users})
			}
		}
		advice.Wants = append(advice.Wants, want)
	}
	return advice, v.check(of)
}

func waitsOf(w api.AdvisedWaits) domain.Waits {
	wait := func(seconds float64) time.Duration {
		return time.Duration(seconds * float64(time.Second)).Round(time.Millisecond)
	}
	return domain.Waits{P50: wait(w.WaitP50Seconds), P95: wait(w.WaitP95Seconds), Served: w.Served, GaveUp: w.GaveUp}
}
