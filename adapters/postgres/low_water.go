package postgres

import (
	"sync"
	"time"

	"github.com/userfarm/userfarm/adapters/bunstore"
)

const (
	// lowWaterAge is how long a search is trusted to have found the longest rested user. Until then, a user that another
	// replica added, or restored from quarantine, may have to wait while others are free.
	lowWaterAge = time.Second

	// maxLowWater bounds how many searches are remembered.
	maxLowWater = 1_000
)

// lowWater remembers where searches for free users began to find some. Each time that a user is locked, its entry in the
// index of free users dies, and stays until PostgreSQL vacuums: at the low end of the index, where the next search would
// step over it, and over a hundred thousand more after some seconds of heavy load. The free users themselves only move up:
// a released user has rested least.
//
// It is about order, not about which users are free: a search that finds too few users is explained by one that begins at
// the beginning.
type lowWater struct {
	mu    sync.Mutex
	marks map[string]mark
}

// mark is the longest rested user that a search found. Many may have rested equally long: all that were never
// held.
type mark struct {
	freeAt int64
	userID [16]byte
	since  time.Time // of the last search from the beginning
}

func newLowWater() *lowWater { return &lowWater{marks: make(map[string]mark)} }

// of returns where the search with a key may begin.
func (l *lowWater) of(key string) mark {
	l.mu.Lock()
	defer l.mu.Unlock()
	known := l.marks[key]
	if time.Since(known.since) > lowWaterAge {
		delete(l.marks, key)
		return mark{}
	}
	return known
}

// seen keeps what a search found.
func (l *lowWater) seen(key string, found []bunstore.Row) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(found) == 0 {
		delete(l.marks, key)
		return
	}
	known, ok := l.marks[key]
	if !ok {
		if len(l.marks) == maxLowWater {
			clear(l.marks)
		}
		known.since = time.Now()
	}
	known.freeAt, known.userID = found[0].FreeAt, found[0].UserID
	l.marks[key] = known
}

// wrote forgets the marks if a user may be below them now: a new one, or one that was restored.
func (l *lowWater) wrote(changes bunstore.Changes) {
	if changes.Reorder() {
		l.mu.Lock()
		defer l.mu.Unlock()
		clear(l.marks)
	}
}
