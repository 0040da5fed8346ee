// Package memory sets how much memory the garbage collector lets a farm use. Go's default is to let the heap double between two
// collections. A farm has so little on its heap that it would collect more than ten times a second under load.
package memory

import (
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

const (
	// percent is how much the heap may grow between two collections while the limit is far: Go's GOGC.
	percent = 400

	// least is the lowest limit outside of containers. With a million users in SQLite and 256 clients, which needs the most
	// beside the heap, the process stays below 80 MiB: 30 of them are the program itself.
	least = 38 << 20

	// besidesHeap is what the process needs beside the heap: stacks, what the collector notes, and pieces too small to be used.
	besidesHeap = 16 << 20
)

// Settle sets the garbage collector for this process. If the operator has set GOGC or GOMEMLIMIT, it changes nothing. In a
// container whose memory is limited, the limit is 90% of that. Elsewhere it is small, and rises so that the heap may always
// double, as by default.
func Settle() {
	for _, name := range []string{"GOGC", "GOMEMLIMIT"} {
		if _, set := os.LookupEnv(name); set {
			return
		}
	}
	debug.SetGCPercent(percent)
	if limit, err := memlimit.Set(); err == nil && limit < math.MaxInt64 {
		return
	}
	debug.SetMemoryLimit(least)
	afterEachCollection(func() { debug.SetMemoryLimit(limitFor(liveHeap())) })
}

// limitFor returns the limit for a heap of which the last collection left so many bytes.
func limitFor(live int64) int64 { return max(least, 2*live+besidesHeap) }

func liveHeap() int64 {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	return int64(live[0].Value.Uint64()) //nolint:gosec // less than the machine's memory
}

// afterEachCollection calls do after each collection until the process ends: a collection finds the object that the call before
// left.
func afterEachCollection(do func()) {
	type object struct{ _ *int } // with a pointer, because Go may join objects without
	runtime.AddCleanup(new(object), func(do func()) {
		afterEachCollection(do)
		do()
	}, do)
}
