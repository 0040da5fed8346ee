package http

import (
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/userfarm/userfarm/adapters/http/internal/api"
	"github.com/userfarm/userfarm/adapters/http/internal/entrance"
	"github.com/userfarm/userfarm/adapters/http/internal/read"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// adviceRoutes tell how many users are enough.
type adviceRoutes struct{}

// adviceParameters are the query of GET /v1/pools/advice. The use case checks the range of the target.
var adviceParameters = read.Parameters[ports.AdviceQuery]{
	"project_id": read.IDParameter(func(q *ports.AdviceQuery) *domain.ProjectID { return &q.ProjectID }),
	"env":        read.TextParameter(func(q *ports.AdviceQuery) *string { return &q.Env }),
	"domain":     read.TextParameter(func(q *ports.AdviceQuery) *string { return &q.Domain }),
	"since":      read.Parsed(func(q *ports.AdviceQuery) *time.Time { return &q.Since }, parseTime, timeRule),
	"target_seconds": read.Parsed(func(q *ports.AdviceQuery) *time.Duration { return &q.Target }, func(text string) (time.Duration, bool) {
		seconds, err := strconv.ParseInt(text, 10, 32)
		return time.Duration(seconds) * time.Second, err == nil && seconds != 0
	}, domain.TargetRule),
}

// AdvisePools serves GET /v1/pools/advice.
func (adviceRoutes) AdvisePools(c *fiber.Ctx) error {
	var query ports.AdviceQuery
	if err := adviceParameters.Read(read.RawQuery(c), &query); err != nil {
		return err
	}
	advice, err := entrance.Of(c).Farm.Advice(c.UserContext(), query)
	if err != nil {
		return err
	}
	view := api.PoolAdvice{
		Since: advice.Since.UTC(), Until: advice.Until.UTC(), TargetSeconds: int(advice.Target / time.Second), Claims: advice.Claims,
		Cut: advice.Cut, Wants: make([]api.AdvisedWant, len(advice.Wants)),
	}
	for i, w := range advice.Wants {
		view.Wants[i] = api.AdvisedWant{
			ProjectID: w.Pool.ProjectID.String(), Project: w.Project, Env: w.Pool.Env, Domain: w.Pool.Domain, Labels: api.Labels(w.Labels),
			Sentence: advice.Sentence(w), Claims: w.Claims, Users: w.Users, Quarantined: w.Quarantined,
			Enough: w.Enough, Reached: w.Reached, Most: w.Most, Measured: viewWaits(w.Measured), Curve: make([]api.AdvisedSize, len(w.Curve)),
		}
		for k, size := range w.Curve {
			view.Wants[i].Curve[k] = api.AdvisedSize{Users: size.Users, Waits: viewWaits(size.Waits)}
		}
		view.Wants[i].Together = viewTogether(w.Together)
	}
	return c.JSON(view)
}

func viewTogether(t domain.Together) *api.AdvisedTogether {
	if len(t.More) == 0 {
		return nil
	}
	view := api.AdvisedTogether{More: make([]api.AdvisedMore, len(t.More)), Waits: viewWaits(t.Waits)}
	for i, more := range t.More {
		view.More[i] = api.AdvisedMore{Labels: api.Labels(more.Labels), Users: more.Users}
	}
	return &view
}

func viewWaits(w domain.Waits) api.AdvisedWaits {
	return api.AdvisedWaits{
		WaitP50Seconds: w.P50.Round(time.Millisecond).Seconds(), WaitP95Seconds: w.P95.Round(time.Millisecond).Seconds(),
		Served: w.Served, GaveUp: w.GaveUp,
	}
}
