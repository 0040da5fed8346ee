package dashboard

import (
	"context"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// advicePage says how many users are enough.
type advicePage struct {
	Wants  []adviceRow
	Claims int
	Since  time.Time
	Target time.Duration
	Cut    bool
}

// adviceRow is the advice for what is wanted of a pool.
type adviceRow struct {
	domain.WantAdvice

	Where    poolText
	Sentence string
	Labels   []string
	Sizes    []adviceSize
	Chart    chart
}

// adviceSize are the waits with a number of users.
type adviceSize struct {
	domain.SizeWaits

	Now, Enough bool // it is the present number, or the smallest that is enough
}

func loadAdvice(ctx context.Context, in loading) (any, error) {
	advice, err := in.farm.Advice(ctx, ports.AdviceQuery{
		ProjectID: in.filter.ProjectID, Env: in.filter.Env, Domain: in.filter.Domain, Target: in.filter.Target,
	})
	if err != nil {
		return nil, err
	}
	page := advicePage{Claims: advice.Claims, Since: advice.Since, Target: advice.Target, Cut: advice.Cut}
	for _, want := range advice.Wants {
		row := adviceRow{
			Where: in.projects.pool(want.Pool), WantAdvice: want, Sentence: want.Sentence(advice.Target), Labels: labelTexts(want.Labels, "="),
			Chart: chartOf(want, advice.Target),
		}
		for _, size := range want.Curve {
			row.Sizes = append(row.Sizes, adviceSize{
				SizeWaits: size, Now: size.Users == want.Users, Enough: want.SaysEnough() && size.Users == want.Enough,
			})
		}
		page.Wants = append(page.Wants, row)
	}
	return page, nil
}
