package dashboard

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/userfarm/userfarm/domain"
)

// The size of a chart, in its own units.
const (
	chartWidth  = 300
	chartHeight = 80
)

// chart draws waits by the number of users. Long waits are drawn closer together than short ones: half the height is a quarter of the
// longest.
type chart struct {
	First, Last  int           // numbers of users, at the ends
	Half, Top    time.Duration // waits at half the height and at all of it
	P50, P95     string        // points of lines
	Now          float64       // where the present number of users is
	Enough       float64       // where the smallest number is that is enough, if there is one
	Target       float64       // how high the target is
	TargetInside bool          // or it is above all waits
}

func chartOf(want domain.WantAdvice, target time.Duration) (c chart) {
	if len(want.Curve) == 0 {
		return c
	}
	c.First, c.Last, c.Top = want.Curve[0].Users, want.Curve[len(want.Curve)-1].Users, time.Second
	for _, size := range want.Curve {
		c.Top = max(c.Top, size.P95)
	}
	c.Half = c.Top / 4
	var p50, p95 strings.Builder
	for _, size := range want.Curve {
		if size.Served > 0 {
			_, _ = fmt.Fprintf(&p50, "%.1f,%.1f ", c.x(size.Users), c.y(size.P50))
			_, _ = fmt.Fprintf(&p95, "%.1f,%.1f ", c.x(size.Users), c.y(size.P95))
		}
	}
	c.P50, c.P95 = p50.String(), p95.String()
	c.Now, c.Enough = c.x(want.Users), c.x(want.Enough)
	c.Target, c.TargetInside = c.y(target), target < c.Top
	return c
}

func (c chart) x(users int) float64 {
	return chartWidth * float64(users-c.First) / float64(max(c.Last-c.First, 1))
}

func (c chart) y(wait time.Duration) float64 {
	return chartHeight * (1 - math.Sqrt(float64(wait)/float64(c.Top)))
}
