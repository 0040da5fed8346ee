package ledger

import (
	"crypto/sha256"
	"errors"
	"slices"
	"time"

	"github.com/userfarm/userfarm/domain"
)

// Place is a claim's place in line: those with lower ones are ahead. The zero Place is none.
type Place int64

// Waiter is a claim that stands in line.
type Waiter struct {
	Place Place
	Want  []domain.Selector
	Since time.Time
	Until time.Time // when its time is up
	Call  CallID
	Asker domain.Asker
}

// CallID is the same for repetitions of a call, which has the same key and the same request; zero for calls without a key.
type CallID [2 * sha256.Size]byte

// CallOf returns the id of a claim's call.
func CallOf(c *Claim) CallID {
	if c.Once.IsZero() {
		return CallID{}
	}
	return CallID(slices.Concat(c.Once.Key[:], c.Once.Request[:]))
}

// Key returns the key of the call.
func (c CallID) Key() CallKey { return CallKey(c[:sha256.Size]) }

// IsZero reports whether the call has no key.
func (c CallID) IsZero() bool { return c == CallID{} }

// PlaceOf returns the first of the places in line that are kept for a claim: those of the same call, if it wants the same. ok
// is false if there is none. kept has places whose claims left at most [domain.PlaceKept] ago.
func PlaceOf(c *Claim, kept []Waiter) (first Waiter, ok bool) {
	call := CallOf(c)
	for _, w := range kept {
		mine := w.Call == call && slices.EqualFunc(w.Want, c.Want, domain.Selector.Equal)
		if mine && !call.IsZero() && (!ok || w.Place < first.Place) {
			first, ok = w, true
		}
	}
	return first, ok
}

// ErrTimeUp says that a claim has waited for as long as it was ready to.
var ErrTimeUp = errors.New("the time to wait is up")

// Turns returns which claims of a line get users now, as [domain.Serve] does, of all users in the ledger that are free:
// turns[i] has the users of line[i], or is nil if that must wait on. [Ledger.Serve] gives them to a claim.
func (l *Ledger) Turns(line []Waiter) (turns [][]*domain.User) {
	free := l.Free()
	if len(free) == 0 {
		return make([][]*domain.User, len(line))
	}
	return domain.Serve(wantsOf(line), free)
}

// Dismiss returns why a claim waits for nothing: the error of a call that was carried out meanwhile, or [ErrTimeUp]. It
// returns nil if the claim is to wait on.
func (l *Ledger) Dismiss(until time.Time, once domain.Once) error {
	if err := l.Repeated(once); err != nil {
		return err
	}
	if !until.After(l.loaded.Now) {
		return ErrTimeUp
	}
	return nil
}

// Join puts a claim at the end of the line, behind all that joined in this ledger and behind last, the highest place that
// anybody has; the zero Place if the line is empty. It returns the claim's place.
func (l *Ledger) Join(last Place, c *Claim, wait time.Duration) Waiter {
	for _, w := range l.changes.Joined {
		last = max(last, w.Place)
	}
	return l.Rejoin(Waiter{
		Place: max(last, Place(l.loaded.Now.UnixMicro())) + 1,
		Want:  c.Want, Since: l.loaded.Now, Call: CallOf(c), Asker: c.Asker,
	}, wait)
}

// Rejoin puts a claim at a place that [PlaceOf] returned. It returns the place as it is then.
func (l *Ledger) Rejoin(place Waiter, wait time.Duration) Waiter {
	place.Until = l.loaded.Now.Add(wait)
	l.changes.Joined = append(l.changes.Joined, place)
	return place
}

// Leave gives up places in line. What their claims wanted may be free for others.
func (l *Ledger) Leave(places ...Place) {
	l.changes.Left = append(l.changes.Left, places...)
}

// StepAside is Leave for claims that may ask again: the places of those with an idempotency key are kept for
// [domain.PlaceKept].
func (l *Ledger) StepAside(places ...Place) {
	l.changes.Aside = append(l.changes.Aside, places...)
}

// GiveUp ends the wait of claims whose places are not kept any longer. Those whose call was carried out have got what they
// waited for; see [Loaded.Calls].
func (l *Ledger) GiveUp(late ...Waiter) {
	for _, w := range late {
		l.changes.Left = append(l.changes.Left, w.Place)
		if _, carriedOut := l.calls[w.Call.Key()]; carriedOut && !w.Call.IsZero() {
			continue
		}
		gone := domain.Waiter{Want: w.Want, Asker: w.Asker, Since: w.Since, Until: w.Until}
		l.changes.Events = append(l.changes.Events, gone.GaveUp(l.loaded.Now)...)
	}
}
