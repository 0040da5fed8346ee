package dashboard

import (
	"testing"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

func TestTheLastHourIsSummed(t *testing.T) {
	pool := domain.Pool{Env: "stage"}
	var sample []ports.RecordedEvent
	add := func(kind domain.EventKind, waited time.Duration) {
		sample = append(sample, ports.RecordedEvent{Event: domain.Event{Kind: kind, Pool: pool, Waited: waited}})
	}
	for i := 100; i >= 1; i-- {
		add(domain.UserAcquired, time.Duration(i)*time.Second)
	}
	add(domain.UserExpired, 0)
	add(domain.ClaimGaveUp, time.Hour)
	add(domain.ClaimGaveUp, time.Hour) // the same acquire, for another pool
	add(domain.ClaimGaveUp, time.Minute)
	h := summarize(sample)
	want := waits{Count: 100, P50: 50 * time.Second, P95: 95 * time.Second}
	if h.Waits != want || h.pools[pool] != want || h.Expired != 1 || h.GaveUp != 2 {
		t.Errorf("got %+v", h)
	}
	if got := waitsOf([]time.Duration{time.Second}); got.P50 != time.Second || got.P95 != time.Second {
		t.Errorf("one wait: %+v", got)
	}
	if got := summarize(nil); got.Waits != (waits{}) {
		t.Errorf("no wait: %+v", got)
	}
}

func TestDurationsHaveAtMostTwoUnits(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 s", 30 * time.Millisecond: "30 ms", 1500 * time.Millisecond: "1.5 s", 42 * time.Second: "42 s", 2*time.Minute + 10*time.Second: "2 min 10 s",
		time.Hour: "1 h", 25*time.Hour + 5*time.Minute: "25 h 5 min", 73 * time.Hour: "3 d 1 h",
	} {
		if got := duration(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
	if got := count(1234567); got != "1\u202f234\u202f567" {
		t.Errorf("got %q", got)
	}
}
