package sqlite

import (
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
func (l *line) change(joined []bunstore.Waiter, left []ledger.Place, commit func() error) error {
	if len(joined)+len(left) == 0 {
		return commit()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := commit(); err != nil {
		return err
	}
	if len(left) > 0 {
		gone := make(map[int64]bool, len(left))
		for _, place := range left {
			gone[int64(place)] = true
		}
		l.waiters = slices.DeleteFunc(l.waiters, func(w bunstore.Waiter) bool { return gone[w.Place] })
	}
	l.waiters = append(l.waiters, joined...)
	return nil
}

// heads returns the first of the claims that want the same, as [bunstore.Line] says.
func (l *line) heads(now int64) bunstore.Line {
	l.mu.Lock()
	defer l.mu.Unlock()
	var line bunstore.Line
	alike := make(map[int64]int)
	for _, w := range l.waiters {
		line.Last = w.Place
		if w.Until < now || alike[w.WantKey] == bunstore.MaxAlike {
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

// Crowds implements [bunstore.Engine].
func (e *engine) Crowds(context.Context) ([]bunstore.Crowd, error) { return e.line.crowds(), nil }
