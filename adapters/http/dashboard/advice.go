package dashboard

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// advicePage says how many users are enough.
type advicePage struct {
	Wants  []adviceRow
	Claims int
	Since  time.Time
	Cut    bool
}

// adviceRow is the advice for what is wanted of a pool.
type adviceRow struct {
	domain.WantAdvice

	Where    poolText
	Sentence string
	Labels   []string
	Sizes    []adviceSize
	P50, P95 string  // points of lines in a chart that is 300 wide and 80 high
	NowX     float64 // where the present number of users is
}

// adviceSize are the waits with a number of users.
type adviceSize struct {
	domain.SizeWaits

	Now bool // it is the present number
}

func loadAdvice(ctx context.Context, in loading) (any, error) {
	advice, err := in.farm.Advice(ctx, ports.AdviceQuery{ProjectID: in.filter.ProjectID, Env: in.filter.Env, Domain: in.filter.Domain})
	if err != nil {
		return nil, err
	}
	page := advicePage{Claims: advice.Claims, Since: advice.Since, Cut: advice.Cut}
	for _, want := range advice.Wants {
		row := adviceRow{
			Where: in.projects.pool(want.Pool), WantAdvice: want, Sentence: want.Sentence(advice.Target), Labels: labelTexts(want.Labels, "="),
		}
		row.draw()
		page.Wants = append(page.Wants, row)
	}
	return page, nil
}

// draw places the waits in the chart. Long waits are drawn closer together than short ones.
func (r *adviceRow) draw() {
	longest := time.Second
	for _, size := range r.Curve {
		longest = max(longest, size.P95)
	}
	var p50, p95 strings.Builder
	for i, size := range r.Curve {
		x := 300 * float64(i) / float64(max(len(r.Curve)-1, 1))
		y := func(wait time.Duration) float64 { return 78 - 76*math.Sqrt(float64(wait)/float64(longest)) }
		now := size.Users == r.Users
		if now {
			r.NowX = x
		}
		r.Sizes = append(r.Sizes, adviceSize{size, now})
		if size.Served > 0 {
			_, _ = fmt.Fprintf(&p50, "%.1f,%.1f ", x, y(size.P50))
			_, _ = fmt.Fprintf(&p95, "%.1f,%.1f ", x, y(size.P95))
		}
	}
	r.P50, r.P95 = p50.String(), p95.String()
}
