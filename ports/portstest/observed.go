package portstest

import (
	"fmt"
	"sync"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// Observed is an observer that remembers what it was told.
type Observed struct {
	mu     sync.Mutex
	times  map[seen]int
	faulty int  // commits of less than no operation, or that took less than no time
	forgot bool // events may have been forgotten, so that they are not in the history
}

var _ ports.Observer = (*Observed)(nil)

// seen is what tells events apart.
type seen struct {
	at     int64
	kind   domain.EventKind
	user   domain.UserID
	pool   domain.Pool
	owner  string
	fence  uint64
	waited time.Duration
	about  domain.APIKeyID
	name   string
}

func seenOf(e domain.Event) seen {
	return seen{
		at: e.At.UnixMicro(), kind: e.Kind, user: e.UserID, pool: e.Pool, owner: e.Owner, fence: e.Fence,
		waited: e.Waited.Truncate(time.Microsecond), about: e.About, name: e.Name,
	}
}

// NewObserved returns an observer that was told nothing yet.
func NewObserved() *Observed { return &Observed{times: make(map[seen]int)} }

// Recorded implements [ports.Observer].
func (o *Observed) Recorded(events []domain.Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, e := range events {
		o.times[seenOf(e)]++
	}
}

// Committed implements [ports.Observer].
func (o *Observed) Committed(operations int, took time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if operations < 0 || took < 0 {
		o.faulty++
	}
}

// Compare returns an error unless the observer was told each event of a history as often as it is there, and no other one that has not
// been forgotten.
func (o *Observed) Compare(history []ports.RecordedEvent) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.faulty > 0 {
		return fmt.Errorf("%d commits had less than no operation, or took less than no time", o.faulty)
	}
	recorded := make(map[seen]int)
	for _, e := range history {
		recorded[seenOf(e.Event)]++
	}
	for e, n := range recorded {
		if o.times[e] != n {
			return fmt.Errorf("an event is in the history %d times, and was told %d times: %+v", n, o.times[e], e)
		}
	}
	for e, n := range o.times {
		if recorded[e] == 0 && !o.forgot {
			return fmt.Errorf("an event was told %d times, and is not in the history: %+v", n, e)
		}
	}
	return nil
}

func (o *Observed) noteForgetting() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.forgot = true
}

// checkObserved checks that the store has told all that happened in a test. What no caller waits for may be told a moment later.
func (f *farm) checkObserved() {
	f.Helper()
	err := f.subject.Observed.Compare(f.wholeHistory())
	for tries := 0; err != nil && tries < 50; tries++ {
		time.Sleep(20 * time.Millisecond)
		err = f.subject.Observed.Compare(f.wholeHistory())
	}
	f.must(err)
}
