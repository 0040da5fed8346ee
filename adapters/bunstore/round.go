package bunstore

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// round is what the operations of one transaction decide about, in the order of their coming: each sees what the ones
// before it did.
type round struct {
	store  *Store
	tx     Transaction
	now    time.Time
	waited bool // for all that was asked for

	entries map[domain.UserID]*entry
	order   []*entry                 // in which they were found
	leases  map[LeaseColumn][]*entry // who carried them when they were found
	shelves map[string]shelf         // by the keys of their searches
	sights  map[sight][]*domain.User
	freed   []*entry // in this round; these have rested least of all who are free
	expired []*entry

	calls map[CallKey]domain.Once // that were carried out before
	busy  map[CallKey]struct{}
	noted map[CallKey]bool    // that are carried out if this round is
	wants [][]domain.Selector // of those in line
	next  int64               // expiry of a lock; 0 if there is none

	ended    []*domain.User // who left a lease, as they were under it
	removed  []domain.UserID
	added    []Addition
	together bool
	events   []domain.Event
	carried  []domain.Once
	joined   []Waiter
	left     []int64
	idle     bool                   // users may be free whom somebody in line waits for
	alive    bool                   // the sign of life with which the transaction began is to be kept
	written  map[domain.UserID]bool // of those added
}

// entry is a user that this transaction keeps.
type entry struct {
	row     Row
	found   *domain.User // as the row is
	current *domain.User // as the operations so far left it; replaced, never changed
	size    int64        // users of the lease that current is under
	removed bool
	err     error // the secrets can't be read, and found has none; or all of the row can't, and it is nil
}

// shelf is what a search found, the most rested first, and how many it was to find at most.
type shelf struct {
	entries []*entry
	limit   int
}

func (s *Store) newRound(tx Transaction, ask Ask, found Found) *round {
	r := &round{
		store:   s,
		tx:      tx,
		now:     instant(found.Now),
		entries: make(map[domain.UserID]*entry),
		waited:  ask.Wait,
		leases:  make(map[LeaseColumn][]*entry),
		sights:  make(map[sight][]*domain.User),
		shelves: make(map[string]shelf, len(ask.Free)),
		calls:   make(map[CallKey]domain.Once, len(found.Calls)),
		busy:    found.Busy,
		noted:   make(map[CallKey]bool),
		wants:   found.Wants,
		next:    found.NextExpiry,
	}
	for _, call := range found.Calls {
		r.calls[call.Key] = call
	}
	for _, row := range found.Targets {
		if e, isNew := r.enter(row); isNew && row.LockLease != (LeaseColumn{}) {
			r.leases[row.LockLease] = append(r.leases[row.LockLease], e)
		}
	}
	for _, row := range found.Expired {
		e, _ := r.enter(row)
		r.expired = append(r.expired, e)
	}
	r.shelve(ask.Free, found.Free)
	return r
}

// shelve enters what searches found.
func (r *round) shelve(searches []Search, found [][]Row) {
	for i, rows := range found {
		shelf := shelf{entries: make([]*entry, len(rows)), limit: searches[i].Limit}
		for j, row := range rows {
			shelf.entries[j], _ = r.enter(row)
		}
		r.shelves[searches[i].Key] = shelf
	}
}

// nextExpiry returns how long it is until the next lock expires; 0 if none will.
func (r *round) nextExpiry() time.Duration {
	if r.next == 0 {
		return 0
	}
	return max(time.Microsecond, time.Duration(r.next-micros(r.now))*time.Microsecond)
}

// enter returns the entry of a row.
func (r *round) enter(row Row) (e *entry, isNew bool) {
	if known, ok := r.entries[row.UserID]; ok {
		return known, false
	}
	e = &entry{row: row, size: row.LockSize}
	if e.found, e.err = r.store.open(row); e.err != nil {
		e.found, _ = row.restoreBare()
	}
	r.store.unreadable.note(row.UserID, e.err)
	e.current = e.found
	r.entries[row.UserID] = e
	r.order = append(r.order, e)
	return e, true
}

// named returns the entry of a user, if it is there.
func (r *round) named(id domain.UserID) []*entry {
	if e, ok := r.entries[id]; ok && !e.removed {
		return []*entry{e}
	}
	return nil
}

// under returns the entries of a lease in its order. It returns none if some of its users may be missing because others
// keep them.
func (r *round) under(lease domain.LeaseDigest) []*entry {
	found := r.leases[LeaseColumn(lease)]
	if !r.waited && len(found) > 0 && int64(len(found)) < found[0].row.LockSize {
		return nil
	}
	var held []*entry
	for _, e := range found {
		if e.err != nil || e.carries(lease) {
			held = append(held, e)
		}
	}
	slices.SortFunc(held, func(a, b *entry) int { return cmp.Compare(a.row.LockPosition, b.row.LockPosition) })
	return held
}

func (e *entry) carries(lease domain.LeaseDigest) bool {
	has, _ := e.current.Lease()
	return has == lease && !e.removed
}

// free returns the n most rested users that a search found and that are free now, or fewer if there are no more. Those that
// became free in this round come last.
func (r *round) free(want domain.Selector, n int) []*entry {
	key := searchKey(want)
	shelf, searched := r.shelves[key]
	if !searched {
		return nil
	}
	free := make([]*entry, 0, n)
	var taken int // from the beginning of the shelf
	for _, e := range shelf.entries {
		if len(free) == n {
			break
		}
		if e.isFree(r.now) {
			free = append(free, e)
		} else if len(free) == 0 {
			taken++
		}
	}
	shelf.entries = shelf.entries[taken:] // should one of them become free again, it is among the freed
	r.shelves[key] = shelf
	for _, e := range r.freed {
		if len(free) == n {
			break
		}
		if e.isFree(r.now) && want.Matches(e.current) && !slices.Contains(free, e) {
			free = append(free, e)
		}
	}
	return free
}

func (e *entry) isFree(now time.Time) bool {
	return e.err == nil && !e.removed && e.current.CheckFree(now) == nil
}

// decide lets the domain decide about entries, and keeps what became of them. It returns them as they are then. Whose secrets
// can't be read may only be given new ones, unless the key is merely not at hand: others may have it.
func (r *round) decide(entries []*entry, decide ports.Decide) ([]*domain.User, error) {
	users, err := r.tryOut(entries, decide)
	for i, e := range entries {
		repaired := err == nil && users[i].Snapshot().Password != (domain.Secret{}) && !errors.Is(e.err, ports.ErrUnknownKey)
		if e.err != nil && !repaired {
			return nil, e.err
		}
	}
	if err != nil {
		return nil, err
	}
	for i, e := range entries {
		wasFree := e.isFree(r.now)
		e.err = nil
		if left := r.noteEnd(e.current, users[i]); left || e.size == 0 {
			e.size = sizeOfLease(users, users[i])
		}
		e.current = users[i]
		if !wasFree && e.isFree(r.now) {
			r.freed = append(r.freed, e)
		}
	}
	r.events = append(r.events, eventsOf(users...)...)
	return users, nil
}

// tryOut returns what the domain makes of entries.
func (r *round) tryOut(entries []*entry, decide ports.Decide) ([]*domain.User, error) {
	users := make([]*domain.User, len(entries))
	for i, e := range entries {
		if e.current == nil {
			return nil, e.err
		}
		users[i] = e.current.Clone()
	}
	return users, refuse(decide(r.now, users))
}

// sizeOfLease returns how many of the users are under the lease of one of them.
func sizeOfLease(users []*domain.User, of *domain.User) (size int64) {
	lease, leased := of.Lease()
	if !leased {
		return 0
	}
	for _, u := range users {
		if other, _ := u.Lease(); other == lease {
			size++
		}
	}
	return size
}

// noteEnd keeps the lease of before if after is not under it anymore, and reports whether that is so.
func (r *round) noteEnd(before, after *domain.User) bool {
	lease, leased := before.Lease()
	if !leased {
		return false
	}
	if after != nil {
		if kept, _ := after.Lease(); kept == lease {
			return false
		}
	}
	r.ended = append(r.ended, before)
	return true
}

// remove takes a user out of the farm.
func (r *round) remove(e *entry) {
	e.removed = true
	r.removed = append(r.removed, e.current.ID())
	r.noteEnd(e.current, nil)
}

// changes returns what is to be written. Its error is a refusal.
func (r *round) changes() (Changes, error) {
	changes := Changes{
		Now: micros(r.now), Removed: r.removed, Added: r.added, Together: r.together,
		Events: r.events, Calls: r.carried, Joined: r.joined, Left: r.left, Replica: r.store.line.replica,
		Frees: r.idle || len(r.added) > 0 || len(r.removed) > 0,
	}
	for _, e := range r.order {
		if e.removed || e.current == e.found {
			continue
		}
		circulation := circulationOf(e.current)
		circulation.LockSize = e.size
		if circulation != e.row.Circulation {
			changes.Moved = append(changes.Moved, Move{UserID: e.row.UserID, Circulation: circulation})
			changes.Frees = changes.Frees || e.isFree(r.now)
		}
		if e.current.SameAccount(e.found) {
			continue
		}
		row, err := r.store.seal(e.current)
		if err != nil {
			return Changes{}, err
		}
		changes.Frees = true // for others than before, perhaps
		changes.Accounts = append(changes.Accounts, Account{UserID: row.UserID, Secrets: row.Secrets, Labels: row.Labels})
	}
	changes.Ended = endedLeases(r.ended)
	return changes, nil
}

// commit writes changes, if there are any, or a sign of life.
func (r *round) commit(ctx context.Context, changes Changes) (committing bool, err error) {
	nothing := len(changes.Moved)+len(changes.Accounts)+len(changes.Ended)+len(changes.Removed)+len(changes.Added)+
		len(changes.Events)+len(changes.Joined)+len(changes.Left) == 0
	if nothing && !r.alive {
		return false, nil
	}
	added, committing, err := r.tx.Commit(ctx, changes)
	if err == nil && changes.Frees {
		r.store.line.wake()
	}
	if err == nil {
		r.forgetUnreadable()
	}
	r.written = make(map[domain.UserID]bool, len(added))
	for _, id := range added {
		r.written[id] = true
	}
	return committing, err
}

// forgetUnreadable forgets those who can be read again, or are gone.
func (r *round) forgetUnreadable() {
	for _, e := range r.order {
		if e.err == nil || e.removed {
			r.store.unreadable.note(e.row.UserID, nil)
		}
	}
}
