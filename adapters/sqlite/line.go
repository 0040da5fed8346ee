package sqlite

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/ledger"
)

// line has the claims in line. It is in memory, because claims end with the process that the file belongs to.
type line struct {
	mu      sync.Mutex
	claims  map[ledger.Place]bunstore.Waiter // also those that are away, until their places are given up
	last    int64                            // the highest place that any claim had
	version int64
	replica bunstore.ReplicaID // of this process

	log    []lineChange // the latest changes, ascending by version
	before int64        // the version before the first of them
}

// lineChange says that the claim at a place changed, or left.
type lineChange struct {
	version int64
	place   ledger.Place
}

// logged is how many changes the log has at least. A reader that has missed more reads the whole line.
const logged = 10_000

// change changes the line if commit succeeds. No other transaction sees what was committed without the change of the line.
func (l *line) change(changes bunstore.Changes, commit func() error) error {
	if len(changes.Waiters)+len(changes.Left)+len(changes.Aside) == 0 {
		return commit()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := commit(); err != nil {
		return err
	}
	if l.claims == nil {
		l.claims = make(map[ledger.Place]bunstore.Waiter)
	}
	l.version++
	l.replica = changes.Replica
	for _, w := range changes.Waiters {
		l.set(ledger.Place(w.Place), w)
		l.last = max(l.last, w.Place)
	}
	for _, place := range changes.Aside {
		if w, known := l.claims[place]; known {
			w.Away, w.Until = true, min(w.Until, changes.At)
			l.set(place, w)
		}
	}
	for _, place := range changes.Left {
		delete(l.claims, place)
		l.note(place)
	}
	return nil
}

func (l *line) set(place ledger.Place, w bunstore.Waiter) {
	l.claims[place] = w
	l.note(place)
}

func (l *line) note(place ledger.Place) {
	if len(l.log) >= 2*logged {
		l.before = l.log[logged-1].version
		l.log = slices.Clone(l.log[logged:])
	}
	l.log = append(l.log, lineChange{version: l.version, place: place})
}

// changes returns what has changed after a version.
func (l *line) changes(since int64) bunstore.LineChanges {
	l.mu.Lock()
	defer l.mu.Unlock()
	read := bunstore.LineChanges{Since: since, Version: l.version, Alive: []bunstore.ReplicaID{l.replica}}
	if since < l.before {
		read.Since = bunstore.EmptyLine
		read.Changed = slices.Collect(maps.Values(l.claims))
		return read
	}
	at, _ := slices.BinarySearchFunc(l.log, since+1, func(c lineChange, v int64) int { return cmp.Compare(c.version, v) })
	for _, c := range l.log[at:] {
		w, known := l.claims[c.place]
		if !known {
			w = bunstore.Waiter{Place: int64(c.place), Away: true}
		}
		read.Changed = append(read.Changed, w)
	}
	return read
}

// lastPlace returns the highest place that any claim had.
func (l *line) lastPlace() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last
}

// isKept reports whether the place of a claim that has left is kept for a repetition of its call.
func isKept(w bunstore.Waiter, now int64) bool {
	return !w.Call.IsZero() && now-w.Until < domain.PlaceKept.Microseconds()
}

// late returns the places of claims that have left, and that are not kept any longer.
func (l *line) late(now int64) []bunstore.Waiter {
	return l.those(func(w bunstore.Waiter) bool { return w.Away && !isKept(w, now) })
}

// places returns the places of these calls.
func (l *line) places(calls []ledger.CallID, now int64) []bunstore.Waiter {
	if len(calls) == 0 {
		return nil
	}
	asked := make(map[ledger.CallID]bool, len(calls))
	for _, call := range calls {
		asked[call] = true
	}
	return l.those(func(w bunstore.Waiter) bool { return asked[w.Call] && (!w.Away || isKept(w, now)) })
}

// those returns the claims that fit, in the order of their places.
func (l *line) those(fits func(bunstore.Waiter) bool) []bunstore.Waiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	var fitting []bunstore.Waiter
	for _, w := range l.claims {
		if fits(w) {
			fitting = append(fitting, w)
		}
	}
	slices.SortFunc(fitting, func(a, b bunstore.Waiter) int { return cmp.Compare(a.Place, b.Place) })
	return fitting
}

// Waiters implements [bunstore.Engine].
func (e *engine) Waiters(_ context.Context, after int64, limit int) ([]bunstore.Waiter, error) {
	waiters := e.line.those(func(w bunstore.Waiter) bool { return w.Place > after && !w.Away })
	return waiters[:min(limit, len(waiters))], nil
}

// Crowds implements [bunstore.Engine].
func (e *engine) Crowds(_ context.Context, left []int64) ([]bunstore.Crowd, error) {
	var crowds []bunstore.Crowd
	at, gone := make(map[int64]int), make(map[int64]bool, len(left))
	for _, place := range left {
		gone[place] = true
	}
	for _, w := range e.line.those(func(w bunstore.Waiter) bool { return !w.Away && !gone[w.Place] }) {
		i, known := at[w.WantKey]
		if !known {
			i = len(crowds)
			at[w.WantKey] = i
			crowds = append(crowds, bunstore.Crowd{Want: w.Want, Since: w.Since})
		}
		crowds[i].Size++
	}
	return crowds, nil
}
