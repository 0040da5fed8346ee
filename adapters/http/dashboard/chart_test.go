package dashboard

import (
	"testing"
	"time"

	"github.com/userfarm/userfarm/domain"
)

func TestAChartHasWaitsByTheNumberOfUsers(t *testing.T) {
	want := domain.WantAdvice{Users: 3, Enough: 5, Reached: true, Curve: []domain.SizeWaits{
		{Users: 1}, // no claim would have got its users
		{Users: 2, Waits: domain.Waits{P50: 4 * time.Second, P95: 16 * time.Second, Served: 9}},
		{Users: 3, Waits: domain.Waits{P50: time.Second, P95: 4 * time.Second, Served: 9}},
		{Users: 5, Waits: domain.Waits{Served: 9}},
	}}
	got := chartOf(want, 4*time.Second)
	if wanted := (chart{
		First: 1, Last: 5, Half: 4 * time.Second, Top: 16 * time.Second,
		P50: "75.0,40.0 150.0,60.0 300.0,80.0 ", P95: "75.0,0.0 150.0,40.0 300.0,80.0 ",
		Now: 150, Enough: 300, Target: 40, TargetInside: true,
	}); got != wanted {
		t.Errorf("got\n%+v, want\n%+v", got, wanted)
	}
	if chartOf(want, time.Minute).TargetInside {
		t.Error("a target above all waits is inside the chart")
	}
}
