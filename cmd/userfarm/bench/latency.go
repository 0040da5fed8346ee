package bench

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// precision is the number of bits after the first that select the bucket of a duration: a bucket is less than 1% wide.
const precision = 7

// latencies counts durations in buckets. Buckets for long durations are wider, so that any number of durations of any length takes the
// same memory. It is safe for concurrent use.
type latencies struct {
	buckets [(64 - precision) << precision]atomic.Int64
	longest atomic.Int64
}

func (l *latencies) record(d time.Duration) {
	d = max(d, 0)
	l.buckets[bucketOf(d)].Add(1)
	for longest := l.longest.Load(); int64(d) > longest; longest = l.longest.Load() {
		if l.longest.CompareAndSwap(longest, int64(d)) {
			return
		}
	}
}

func (l *latencies) count() (n int64) {
	for i := range l.buckets {
		n += l.buckets[i].Load()
	}
	return n
}

// percentile returns the shortest duration that p percent of the recorded durations do not exceed. The result is never too low and
// less than 1% too high. Without recorded durations it is 0.
func (l *latencies) percentile(p int64) time.Duration {
	rank := (l.count()*p + 99) / 100
	for i := range l.buckets {
		if rank -= l.buckets[i].Load(); rank <= 0 {
			return min(lastOf(i), l.max())
		}
	}
	return l.max()
}

// max returns the longest duration, exactly.
func (l *latencies) max() time.Duration { return time.Duration(l.longest.Load()) }

// bucketOf returns the bucket of d: below 2<<precision nanoseconds each has its own; above, each power of two has
// 1<<precision of them.
func bucketOf(d time.Duration) int {
	shift := max(bits.Len64(uint64(d))-precision-1, 0) //nolint:gosec // d is not negative
	return shift<<precision + int(d>>shift)
}

// lastOf returns the longest duration of a bucket.
func lastOf(bucket int) time.Duration {
	shift := max(bucket>>precision-1, 0)
	return time.Duration(bucket-shift<<precision+1)<<shift - 1
}
