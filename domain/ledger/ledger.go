package ledger

import (
	"cmp"
	"slices"

	"github.com/userfarm/userfarm/domain"
)

// Ledger is what the operations of one transaction decide about, in order.
type Ledger struct {
	loaded  Loaded // but for its rows, which are entries
	entries map[domain.UserID]*entry
	order   []*entry                        // in which they were loaded
	leases  map[domain.LeaseDigest][]*entry // that carry a lease, or did before in this ledger
	found   map[string]found                // by the key of the search
	expired []*entry
	changed []*entry // each once, in the order of their first change

	calls map[CallKey]domain.Once // carried out before
	noted map[CallKey]bool        // carried out if the changes are written

	changes Changes // but for what follows from the entries
}

// entry is a user of the ledger.
type entry struct {
	Row                  // as it was loaded; Err is nil once it is repaired
	current *domain.User // as the operations so far left it; replaced, never changed
	free    bool         // current can be read and may be claimed
	changed bool
	removed bool
}

// found are the entries that a search found, the most rested first.
type found struct {
	entries []*entry
	limit   int
}

// Open returns a ledger of what was loaded.
func Open(loaded Loaded) *Ledger {
	l := &Ledger{
		loaded:  Loaded{Now: loaded.Now, Complete: loaded.Complete},
		entries: make(map[domain.UserID]*entry),
		leases:  make(map[domain.LeaseDigest][]*entry),
		found:   make(map[string]found),
		calls:   make(map[CallKey]domain.Once),
		noted:   make(map[CallKey]bool),
		changes: Changes{Now: loaded.Now},
	}
	l.Load(loaded)
	return l
}

// Load adds what was loaded later in the same transaction. If more has a later Now, all that the ledger decides happens then:
// a rival may have let go of what was loaded just before. Complete stays as it was.
func (l *Ledger) Load(more Loaded) {
	if more.Now.After(l.loaded.Now) {
		l.loaded.Now, l.changes.Now = more.Now, more.Now
	}
	for _, row := range more.Users {
		l.enter(row)
	}
	for _, row := range more.Expired {
		l.expired = append(l.expired, l.enter(row))
	}
	for _, search := range more.Searches {
		entries := make([]*entry, len(search.Found))
		for i, row := range search.Found {
			entries[i] = l.enter(row)
		}
		l.found[search.Key] = found{entries: entries, limit: search.Limit}
	}
	for _, call := range more.Calls {
		l.calls[call.Key] = call
	}
	if more.Busy != nil {
		l.loaded.Busy = more.Busy
	}
	if more.Wanted != nil {
		l.loaded.Wanted = more.Wanted
	}
	if !more.NextExpiry.IsZero() {
		l.loaded.NextExpiry = more.NextExpiry
	}
}

// enter returns the entry of a row.
func (l *Ledger) enter(row Row) *entry {
	if known, ok := l.entries[row.ID]; ok {
		return known
	}
	e := &entry{Row: row, current: row.User}
	e.free = row.Err == nil && row.User.CheckFree(l.loaded.Now) == nil
	l.entries[row.ID] = e
	l.order = append(l.order, e)
	if row.User != nil {
		l.index(e)
	}
	return e
}

// index keeps which entries carry a lease.
func (l *Ledger) index(e *entry) {
	if lease, leased := e.current.Lease(); leased && !slices.Contains(l.leases[lease], e) {
		l.leases[lease] = append(l.leases[lease], e)
	}
}

// Apply applies an operation. It returns the operation's outcome: nil, the error of its Decide or of the domain, or, if what
// was loaded is not enough, one of the errors of this package. An error means that the operation changed nothing.
func (l *Ledger) Apply(operation Operation) error { return operation.apply(l) }

// Confirm returns the outcome of an operation that was applied without an error, once the changes are written. written has
// the users that were added: those whose id or login is taken are left out.
func (l *Ledger) Confirm(operation Operation, written map[domain.UserID]bool) error {
	return operation.confirm(written)
}

// named returns the entry of a user, if it is there.
func (l *Ledger) named(id domain.UserID) []*entry {
	if e, ok := l.entries[id]; ok && !e.removed {
		return []*entry{e}
	}
	return nil
}

// under returns the entries that carry a lease, in its order. It returns none if a rival may hold some of its users.
func (l *Ledger) under(lease domain.LeaseDigest) []*entry {
	var carriers []*entry
	for _, e := range l.leases[lease] {
		if carried, _ := e.current.Lease(); carried == lease && !e.removed {
			carriers = append(carriers, e)
		}
	}
	if !l.loaded.Complete && len(carriers) > 0 {
		if _, size := carriers[0].current.LeasePosition(); len(carriers) < size {
			return nil
		}
	}
	slices.SortFunc(carriers, func(a, b *entry) int {
		positionA, _ := a.current.LeasePosition()
		positionB, _ := b.current.LeasePosition()
		return cmp.Compare(positionA, positionB)
	})
	return carriers
}

// decide lets the domain decide about entries, and keeps what became of them. It returns them as they are then. Users whose
// secrets can't be read may only be given new ones.
func (l *Ledger) decide(entries []*entry, decide Decide) ([]*domain.User, error) {
	users, err := l.tryOut(entries, decide)
	for i, e := range entries {
		if e.Err != nil && (err != nil || !e.Repairable || users[i].Snapshot().Password == (domain.Secret{})) {
			return nil, e.Err
		}
	}
	if err != nil {
		return nil, err
	}
	for i, e := range entries {
		l.noteLeases(users[i].Left()...)
		e.current, e.Err, e.free = users[i], nil, users[i].CheckFree(l.loaded.Now) == nil
		if l.index(e); !e.changed {
			e.changed = true
			l.changed = append(l.changed, e)
		}
		l.changes.Events = append(l.changes.Events, users[i].Events()...)
	}
	return users, nil
}

// tryOut returns what the domain makes of entries.
func (l *Ledger) tryOut(entries []*entry, decide Decide) ([]*domain.User, error) {
	users := make([]*domain.User, len(entries))
	for i, e := range entries {
		if e.current == nil {
			return nil, e.Err
		}
		users[i] = e.current.Clone()
	}
	return users, decide(l.loaded.Now, users)
}
