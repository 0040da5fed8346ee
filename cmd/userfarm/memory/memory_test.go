package memory

import (
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// inForce returns the settings of the garbage collector.
func inForce() (percent uint64, limit int64) {
	settings := []metrics.Sample{{Name: "/gc/gogc:percent"}, {Name: "/gc/gomemlimit:bytes"}}
	metrics.Read(settings)
	return settings[0].Value.Uint64(), int64(settings[1].Value.Uint64())
}

func TestTheOperatorsSettingsStay(t *testing.T) {
	for name, value := range map[string]string{"GOGC": "50", "GOMEMLIMIT": "1GiB"} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, value)
			percent, limit := inForce()
			Settle()
			if newPercent, newLimit := inForce(); newPercent != percent || newLimit != limit {
				t.Errorf("they become %d%% and %d bytes", newPercent, newLimit)
			}
		})
	}
}

func TestTheHeapMayAlwaysDouble(t *testing.T) {
	for _, live := range []int64{0, 8 << 20, 11 << 20, 12 << 20, 1 << 30} {
		if limit := limitFor(live); limit < least || limit < 2*live {
			t.Errorf("with %d bytes in use, the limit is %d", live, limit)
		}
	}
}

func TestTheLimitFollowsTheHeap(t *testing.T) {
	if limit, err := memlimit.FromCgroup(); err == nil && limit < math.MaxInt64 {
		t.Skipf("the tests run in a container with %d bytes", limit)
	}
	oldPercent, oldLimit := inForce()
	t.Cleanup(func() {
		debug.SetGCPercent(int(oldPercent))
		debug.SetMemoryLimit(oldLimit)
	})
	Settle()
	if percent, limit := inForce(); percent != 400 || limit < least {
		t.Errorf("got %d%% and %d bytes", percent, limit)
	}
	const live = 64 << 20
	used := make([]byte, live)
	collectUntil(t, func(limit int64) bool { return limit >= 2*live })
	runtime.KeepAlive(used)
	collectUntil(t, func(limit int64) bool { return limit < live })
}

// collectUntil collects until the limit is as it should be. The limit changes a moment after a collection.
func collectUntil(t *testing.T, good func(limit int64) bool) {
	t.Helper()
	for range 1000 {
		runtime.GC()
		if _, limit := inForce(); good(limit) {
			return
		}
		runtime.Gosched()
	}
	_, limit := inForce()
	t.Errorf("the limit is %d bytes", limit)
}
