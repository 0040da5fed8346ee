package bunstore

import (
	"slices"
	"sync"
	"time"

	"github.com/userfarm/userfarm/domain"
)

// awaitedFor is for how long what was seen to be wanted is taken to be wanted still.
const awaitedFor = 100 * time.Millisecond

// awaited is what those in line were lately seen to want. A claim that wants the same goes straight to the end of the line:
// trying first, it would keep users for a moment, and hide them from those whose turn it is.
type awaited struct {
	mu    sync.Mutex
	wants [][]domain.Selector
	seen  time.Time
}

func (a *awaited) see(wants [][]domain.Selector) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.wants, a.seen = wants, time.Now()
}

func (a *awaited) has(want []domain.Selector) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return time.Since(a.seen) < awaitedFor && isAwaited(want, a.wants)
}

// isAwaited reports whether somebody who wants one of these may need a user that want could be served with.
func isAwaited(want []domain.Selector, wants [][]domain.Selector) bool {
	return slices.ContainsFunc(wants, func(other []domain.Selector) bool { return overlap(want, other) })
}
