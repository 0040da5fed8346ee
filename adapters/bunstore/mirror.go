package bunstore

import (
	"slices"
	"sync"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/ledger"
)

const (
	// GoneKept is for how long the store keeps that a claim has left the line, for all processes to learn it.
	GoneKept = 15 * time.Second

	// mirrorAge is how old a mirror may be. One that is older may miss what is not kept anymore, and is made anew: a transaction
	// may take its time until it reads the changes.
	mirrorAge = GoneKept - operationTimeout - time.Second
)

// mirror is the line as the store has it, in memory. Each transaction that needs the line reads what has changed since the
// mirror was last up to date. So it knows the line as it was when its users were held, or later, and reads nothing about claims
// that have been waiting for long.
//
// Only one transaction at a time changes the line (see [Ask.Turn]), so its versions are committed in order.
type mirror struct {
	mu       sync.Mutex
	wants    *ledger.Wants
	replicas map[ledger.Place]ReplicaID
	alive    []ReplicaID
	version  int64
	upToDate time.Time // when the latest read began that found nothing newer than version
	changed  time.Time // when version was set
}

func newMirror() *mirror {
	return &mirror{wants: ledger.NewWants(), replicas: make(map[ledger.Place]ReplicaID), version: EmptyLine}
}

// since returns the version after which a transaction that begins now must read the changes.
func (m *mirror) since() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	if time.Since(m.upToDate) > mirrorAge {
		return EmptyLine
	}
	return m.version
}

// see takes over what a transaction has read that began then.
func (m *mirror) see(read LineChanges, began time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if read.Version < m.version {
		if began.After(m.changed) {
			m.version = EmptyLine // the database was set back
		}
		return // another transaction has read more
	}
	if read.Since == EmptyLine {
		m.wants, m.replicas = ledger.NewWants(), make(map[ledger.Place]ReplicaID)
	}
	for _, w := range read.Changed {
		place := ledger.Place(w.Place)
		m.wants.Drop(place)
		delete(m.replicas, place)
		if !w.Away {
			m.wants.Put(w.inLedger())
			m.replicas[place] = w.Replica
		}
	}
	if doubted := read.Since > m.version; !doubted && m.version != read.Version {
		m.version, m.changed = read.Version, time.Now()
	}
	m.alive = read.Alive
	if m.upToDate.Before(began) {
		m.upToDate = began
	}
}

// put adds claims that a transaction is about to write which keeps others from changing the line: from its commit on, this
// process knows of them, though it has not read them.
func (m *mirror) put(joined []Waiter) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, w := range joined {
		m.wants.Put(w.inLedger())
		m.replicas[ledger.Place(w.Place)] = w.Replica
	}
}

// doubt lets the next transaction read the whole line: what was put may not have been committed.
func (m *mirror) doubt() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.version = EmptyLine
}

// inLine returns the rule for which claims are in line at a time.
func (m *mirror) inLine(now time.Time) func(ledger.Waiter) bool {
	return func(w ledger.Waiter) bool {
		return !w.Until.Before(now) && slices.Contains(m.alive, m.replicas[w.Place])
	}
}

// wanted reports whether a claim in line wants a user.
func (m *mirror) wanted(now time.Time, u *domain.User) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.wants.Wanted(u, m.inLine(now))
}

// first returns the first claims in line at a time that users are for, if stands says that they are. See [ledger.Wants.First].
func (m *mirror) first(
	now time.Time, users []*domain.User, limit int, stands func(ledger.Place, ReplicaID) bool,
) []ledger.Waiter {
	m.mu.Lock()
	defer m.mu.Unlock()
	inLine := m.inLine(now)
	return m.wants.First(users, limit, func(w ledger.Waiter) bool { return inLine(w) && stands(w.Place, m.replicas[w.Place]) })
}

// at returns the claim that was seen at a place.
func (m *mirror) at(place ledger.Place) (ledger.Waiter, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.wants.At(place)
}

// wantedBy returns those of the users that claims in one process want, and those that claims in others want.
func (m *mirror) wantedBy(process ReplicaID, now time.Time, users []*domain.User) (here, elsewhere []*domain.User) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.wants.Len() == 0 {
		return nil, nil
	}
	inLine := m.inLine(now)
	for _, u := range users {
		if m.wants.Wanted(u, func(w ledger.Waiter) bool { return m.replicas[w.Place] == process && !w.Until.Before(now) }) {
			here = append(here, u)
		}
		if m.wants.Wanted(u, func(w ledger.Waiter) bool { return m.replicas[w.Place] != process && inLine(w) }) {
			elsewhere = append(elsewhere, u)
		}
	}
	return here, elsewhere
}

// hasAlike reports whether a claim that wants the same was lately seen in line. A claim that would wait for that one goes
// straight to the end of the line: if it tried first, it would hold users for a moment, and hide them from the claims ahead.
func (m *mirror) hasAlike(want []domain.Selector) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.wants.HasAlike(want)
}
