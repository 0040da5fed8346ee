package sqlite

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/ledger"
)

// line has the claims in line. It is in memory, because claims end with the process that the file belongs to.
type line struct {
	mu      sync.Mutex
	waiters []bunstore.Waiter // in the order of their places
}

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
	aside := make(map[int64]bool, len(changes.Aside))
	for _, place := range changes.Aside {
		aside[int64(place)] = true
	}
	left := make(map[int64]bool, len(changes.Left))
	for _, place := range changes.Left {
		left[int64(place)] = true
	}
	joined := make(map[int64]bool, len(changes.Waiters))
	for _, w := range changes.Waiters {
		joined[w.Place] = true
	}
	l.waiters = slices.DeleteFunc(l.waiters, func(w bunstore.Waiter) bool { return joined[w.Place] })
	l.waiters = slices.DeleteFunc(append(l.waiters, changes.Waiters...), func(w bunstore.Waiter) bool { return left[w.Place] })
	for i, w := range l.waiters {
		if aside[w.Place] {
			l.waiters[i].Away, l.waiters[i].Until = true, min(w.Until, changes.At)
		}
	}
	slices.SortFunc(l.waiters, func(a, b bunstore.Waiter) int { return cmp.Compare(a.Place, b.Place) })
	return nil
}

// isKept reports whether the place of a claim that has left is kept for a repetition of its call.
func isKept(w bunstore.Waiter, now int64) bool {
	return !w.Call.IsZero() && now-w.Until < domain.PlaceKept.Microseconds()
}

// late returns the places of claims that have left, and that are not kept any longer.
func (l *line) late(now int64) (late []bunstore.Waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, w := range l.waiters {
		if w.Away && !isKept(w, now) {
			late = append(late, w)
		}
	}
	return late
}

// places returns the places of these calls.
func (l *line) places(calls []ledger.CallID, now int64) []bunstore.Waiter {
	if len(calls) == 0 {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var places []bunstore.Waiter
	for _, w := range l.waiters {
		if slices.Contains(calls, w.Call) && (!w.Away || isKept(w, now)) {
			places = append(places, w)
		}
	}
	return places
}

// heads returns the first of the claims that want the same, as [bunstore.Line] says.
func (l *line) heads(now int64) bunstore.Line {
	l.mu.Lock()
	defer l.mu.Unlock()
	var line bunstore.Line
	alike := make(map[int64]int)
	for _, w := range l.waiters {
		line.Last = w.Place
		if w.Away || w.Until < now || alike[w.WantKey] == bunstore.MaxAlike {
			continue
		}
		alike[w.WantKey]++
		line.Waiters = append(line.Waiters, w)
	}
	return line
}

func (l *line) wants() [][]domain.Selector {
	var wants [][]domain.Selector
	for _, crowd := range l.crowds() {
		wants = append(wants, crowd.Want)
	}
	return wants
}

func (l *line) crowds() []bunstore.Crowd {
	l.mu.Lock()
	defer l.mu.Unlock()
	var crowds []bunstore.Crowd
	at := make(map[int64]int)
	for _, w := range l.waiters {
		if w.Away {
			continue
		}
		i, known := at[w.WantKey]
		if !known {
			i = len(crowds)
			at[w.WantKey] = i
			crowds = append(crowds, bunstore.Crowd{Want: w.Want, Since: w.Since})
		}
		crowds[i].Size++
	}
	return crowds
}

// Waiters implements [bunstore.Engine].
func (e *engine) Waiters(_ context.Context, after int64, limit int) ([]bunstore.Waiter, error) {
	e.line.mu.Lock()
	defer e.line.mu.Unlock()
	var waiters []bunstore.Waiter
	for _, w := range e.line.waiters {
		if w.Place > after && !w.Away && len(waiters) < limit {
			waiters = append(waiters, w)
		}
	}
	return waiters, nil
}

// Crowds implements [bunstore.Engine].
func (e *engine) Crowds(context.Context) ([]bunstore.Crowd, error) { return e.line.crowds(), nil }
