package memory

import (
	"cmp"
	"slices"
	"time"

	"github.com/tidwall/btree"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/ledger"
)

// aside has the places that are kept for claims which left the line and may ask again.
type aside struct {
	byCall map[ledger.CallID][]ledger.Waiter
	byTime *btree.BTreeG[ledger.Waiter] // in the order in which the claims left
}

func newAside() aside {
	before := func(a, b ledger.Waiter) bool {
		return cmp.Or(a.Until.Compare(b.Until), cmp.Compare(a.Place, b.Place)) < 0
	}
	return aside{
		byCall: make(map[ledger.CallID][]ledger.Waiter),
		byTime: btree.NewBTreeGOptions(before, btree.Options{NoLocks: true}),
	}
}

func (a aside) keep(w ledger.Waiter) {
	a.byCall[w.Call] = append(a.byCall[w.Call], w)
	a.byTime.Set(w)
}

func (a aside) drop(w ledger.Waiter) {
	a.byTime.Delete(w)
	left := slices.DeleteFunc(a.byCall[w.Call], func(other ledger.Waiter) bool { return other.Place == w.Place })
	if len(left) > 0 {
		a.byCall[w.Call] = left
	} else {
		delete(a.byCall, w.Call)
	}
}

// keptPlaces gives up the places that were kept for long enough, and returns those of a call that are left.
func (s *Store) keptPlaces(now time.Time, call ledger.CallID) []ledger.Waiter {
	s.giveUp(now)
	return s.aside.byCall[call]
}

// giveUp ends the wait of late claims, and of those that left the line and have not asked again in time.
func (s *Store) giveUp(now time.Time, late ...ledger.Waiter) {
	for {
		first, kept := s.aside.byTime.Min()
		if !kept || now.Sub(first.Until) < domain.PlaceKept {
			break
		}
		s.aside.drop(first)
		late = append(late, first)
	}
	if len(late) == 0 {
		return
	}
	slices.SortFunc(late, func(a, b ledger.Waiter) int { return cmp.Compare(a.Place, b.Place) })
	var calls []ledger.CallKey
	for _, w := range late {
		calls = append(calls, w.Call.Key())
	}
	l := ledger.Open(ledger.Loaded{Now: now, Calls: s.carriedOut(now, calls)})
	l.GiveUp(late...)
	s.write(l.Changes())
}
