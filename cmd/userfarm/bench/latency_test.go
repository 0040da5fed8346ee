package bench

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestPercentilesAreLessThanOnePercentAboveTheExactOnes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// Durations of all magnitudes are equally likely.
		anyDuration := rapid.Custom(func(t *rapid.T) time.Duration {
			return time.Duration(rapid.Int64Range(0, 1<<rapid.IntRange(0, 62).Draw(t, "bits")).Draw(t, "ns"))
		})
		durations := rapid.SliceOfN(anyDuration, 1, 300).Draw(t, "durations")
		var l latencies
		for _, d := range durations {
			l.record(d)
		}
		slices.Sort(durations)
		for _, p := range []int64{1, 50, 95, 99, 100} {
			exact := durations[int(math.Ceil(float64(p)*float64(len(durations))/100))-1]
			got := l.percentile(p)
			if got < exact || float64(got) > 1.01*float64(exact) {
				t.Fatalf("p%d = %d, exactly %d", p, got, exact)
			}
		}
		if got, want := l.max(), durations[len(durations)-1]; got != want {
			t.Fatalf("max = %d, want %d", got, want)
		}
		if got, want := l.count(), int64(len(durations)); got != want {
			t.Fatalf("count = %d, want %d", got, want)
		}
	})
}

func TestEveryDurationHasABucket(t *testing.T) {
	for _, d := range []time.Duration{0, 1, 255, 256, 257, time.Second, math.MaxInt64} {
		bucket := bucketOf(d)
		if last := lastOf(bucket); last < d {
			t.Errorf("%d is in bucket %d, which ends at %d", d, bucket, last)
		}
		if bucket > 0 && lastOf(bucket-1) >= d {
			t.Errorf("%d is in bucket %d, but the one before ends at %d", d, bucket, lastOf(bucket-1))
		}
	}
	var l latencies
	l.record(math.MaxInt64)
	l.record(-1) // as after a clock was set back
	if l.max() != math.MaxInt64 || l.percentile(50) != 0 {
		t.Errorf("max = %d, p50 = %d", l.max(), l.percentile(50))
	}
}

func TestLatenciesAreZeroWithoutRequests(t *testing.T) {
	var l latencies
	if l.count() != 0 || l.percentile(50) != 0 || l.percentile(100) != 0 || l.max() != 0 {
		t.Error("want only zeros")
	}
}
