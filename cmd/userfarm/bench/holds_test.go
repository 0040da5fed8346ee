package bench

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

const userA, userB = "a", "b"

func TestHoldsThatDoNotOverlapAreNotReported(t *testing.T) {
	h := newHolds([]string{userA, userB})
	h.begin(userA, 1)
	h.begin(userB, 1) // each user has its own fences
	h.end(userA)
	h.begin(userA, 2)
	h.end(userA)
	h.end(userB)
	h.begin(userB, 7) // a lost answer leaves a gap
	h.end(userB)
	wantHolds(t, h, 0, 0)
	if first := h.firstWrong(); first != "" {
		t.Errorf("an error is reported: %s", first)
	}
}

func TestHoldsThatOverlapAreReported(t *testing.T) {
	tests := map[string]struct {
		steps            func(*holds)
		overlaps, fences int64
	}{
		"the second begins within the first": {func(h *holds) {
			h.begin(userA, 1)
			h.begin(userA, 2)
			h.end(userA)
			h.end(userA)
		}, 1, 0},
		"two in one": {func(h *holds) {
			h.begin(userA, 1)
			h.begin(userA, 2)
			h.end(userA)
			h.begin(userA, 3)
			h.end(userA)
			h.end(userA)
		}, 2, 0},
		"three at once are three pairs": {func(h *holds) {
			h.begin(userA, 1)
			h.begin(userA, 2)
			h.begin(userA, 3)
		}, 3, 0},
		"one that never ends": {func(h *holds) {
			h.begin(userA, 1)
			h.begin(userB, 1)
			h.end(userB)
			h.begin(userA, 2)
		}, 1, 0},
		"a chain": {func(h *holds) {
			h.begin(userA, 1)
			h.begin(userA, 2)
			h.end(userA)
			h.end(userA)
			h.begin(userA, 3)
			h.begin(userA, 4)
		}, 2, 0},
		"with one fence": {func(h *holds) {
			h.begin(userA, 1)
			h.begin(userA, 1)
		}, 1, 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			h := newHolds([]string{userA, userB})
			test.steps(h)
			wantHolds(t, h, test.overlaps, test.fences)
			if first := h.firstWrong(); !strings.HasPrefix(first, "user a was handed out with fence ") {
				t.Errorf("the first error is %q", first)
			}
		})
	}
}

func TestFencesThatDoNotIncreaseAreReported(t *testing.T) {
	for name, fences := range map[string][]uint64{
		"the same twice":       {1, 1},
		"back":                 {2, 1},
		"back, then forward":   {5, 3, 6},
		"none at all":          {0},
		"the same, much later": {1, 2, 3, 1},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHolds([]string{userA})
			for _, fence := range fences {
				h.begin(userA, fence)
				h.end(userA)
			}
			wantHolds(t, h, 0, 1)
			if h.firstWrong() == "" {
				t.Error("the error is not described")
			}
		})
	}
}

func TestAUserOfAnotherPoolIsNotHeld(t *testing.T) {
	h := newHolds([]string{userA, userB})
	if _, known := h.begin("stranger", 1); known {
		t.Error("begin accepts a user of another pool")
	}
	if number, known := h.begin(userB, 1); number != 1 || !known {
		t.Errorf("begin returns %d, %v, want the number of the user", number, known)
	}
}

// The count during the measurement equals the count from complete records afterwards.
func TestOverlapsAreCountedAsInRecords(t *testing.T) {
	type record struct{ user, from, to int }
	rapid.Check(t, func(t *rapid.T) {
		users := []string{userA, userB}
		h := newHolds(users)
		var records []record
		var open []int // indices of records
		for now := range rapid.IntRange(1, 60).Draw(t, "steps") {
			if len(open) > 0 && rapid.Bool().Draw(t, "end") {
				i := rapid.IntRange(0, len(open)-1).Draw(t, "which")
				records[open[i]].to = now
				h.end(users[records[open[i]].user])
				open = slices.Delete(open, i, i+1)
				continue
			}
			user := rapid.IntRange(0, 1).Draw(t, "user")
			h.begin(users[user], uint64(now)+1)
			open = append(open, len(records))
			records = append(records, record{user: user, from: now, to: 1000})
		}
		var overlaps int64
		for i, a := range records {
			for _, b := range records[i+1:] {
				if a.user == b.user && a.from < b.to && b.from < a.to {
					overlaps++
				}
			}
		}
		if got := h.overlaps.Load(); got != overlaps {
			t.Fatalf("%d overlaps, want %d in %v", got, overlaps, records)
		}
	})
}

func TestHoldsOfManyConcurrentClientsAreCounted(t *testing.T) {
	h := newHolds([]string{userA})
	var user sync.Mutex // locked as by a correct farm
	var fence uint64
	var working sync.WaitGroup
	for range 8 {
		working.Go(func() {
			for range 1000 {
				user.Lock()
				fence++
				h.begin(userA, fence)
				h.end(userA)
				user.Unlock()
			}
		})
	}
	working.Wait()
	wantHolds(t, h, 0, 0)
}

func wantHolds(t *testing.T, h *holds, overlaps, fences int64) {
	t.Helper()
	if got := h.overlaps.Load(); got != overlaps {
		t.Errorf("%d overlaps, want %d", got, overlaps)
	}
	if got := h.fences.Load(); got != fences {
		t.Errorf("%d fences out of order, want %d", got, fences)
	}
}
