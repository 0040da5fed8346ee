package bunstore

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/ledger"
)

// DeadAfter is how long after its last beat a process counts as dead, and the claims that wait in it as gone.
const DeadAfter = 5 * time.Second

// closeTimeout bounds how long a store that is being closed waits for the line to write down which claims have left it.
const closeTimeout = 2 * time.Second

// line is the part of the line that waits in this process. While a claim is in it, a goroutine passes over the whole line
// whenever users may have become free, and serves the claims whose turn it is; see [line.run] and [Store.servePass].
type line struct {
	replica ReplicaID
	serve   func(*pass) (committing bool, err error)
	awake   chan struct{} // a pass is due
	expiry  time.Time     // of the next lock, as the latest pass saw it; only passes use it

	mu       sync.Mutex
	arriving []*waitingClaim // not in the store yet
	waiting  map[ledger.Place]*waitingClaim
	behind   []*waitingClaim // of those waiting, the ones whose call has another place ahead, which may come to be kept
	leaving  leavingPlaces
	lookout  lookout       // what the next passes look for
	running  chan struct{} // closed when the goroutine has ended; nil if there is none
	closed   bool
	repeated map[ledger.CallKey]bool // calls that other claims in line may have made, too
	worked   time.Time               // when the store was last seen to work
	gone     time.Time               // when users were last seen to go
}

// leavingPlaces are places that no claim here has anymore, and that are still in the store. They have the calls of the claims that had
// them, as far as these are known.
type leavingPlaces map[ledger.Place]ledger.CallID

// add adds the place of a claim that has one.
func (l leavingPlaces) add(w *waitingClaim) { l[w.place] = ledger.CallOf(w.claim) }

func (l leavingPlaces) has(place ledger.Place) bool {
	_, has := l[place]
	return has
}

// waitingClaim is a claim that stands in line, or is about to.
type waitingClaim struct {
	caller  *caller
	span    trace.Span // of the wait; nil if it is not recorded
	claim   *ledger.Claim
	came    time.Time
	wait    time.Duration
	refusal error // the answer if it is never served; nil if that is not known yet

	doubts chan struct{} // has something when users went that the claim may wait for

	place ledger.Place // 0 until the store has it
	since time.Time    // by the store's clock, as until; zero until the store has it
	until time.Time
}

func newWaitingClaim(claim *ledger.Claim, came time.Time, wait time.Duration, refusal error) *waitingClaim {
	return &waitingClaim{caller: newCaller(), claim: claim, came: came, wait: wait, refusal: refusal, doubts: make(chan struct{}, 1)}
}

func (w *waitingClaim) doubt() {
	select {
	case w.doubts <- struct{}{}:
	default:
	}
}

func (l *line) init(serve func(*pass) (committing bool, err error)) {
	var random [8]byte
	_, _ = rand.Read(random[:])                                      // never fails, by its documentation
	l.replica = ReplicaID(binary.BigEndian.Uint64(random[:])>>1) | 1 //nolint:gosec // any bits but all zeros will do
	l.serve, l.awake = serve, make(chan struct{}, 1)
	l.waiting, l.leaving = make(map[ledger.Place]*waitingClaim), make(leavingPlaces)
}

// arrive puts a claim behind all that came before it: claims that were refused together do not get here in their order.
func (l *line) arrive(w *waitingClaim) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		w.caller.bind()
		w.caller.answer(errClosed)
		return
	}
	if w.came.Before(l.gone) {
		w.doubt()
	}
	l.insertArriving(w)
	l.start()
	l.wake()
}

// doubt lets the claims that may wait for these users find out whether they can still be served; all claims if the users are not known.
func (l *line) doubt(gone []*domain.User, known bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gone = time.Now()
	for _, w := range slices.AppendSeq(slices.Clone(l.arriving), maps.Values(l.waiting)) {
		if !known || domain.AwaitsAny(w.claim.Want, gone) {
			w.doubt()
		}
	}
}

func (l *line) insertArriving(w *waitingClaim) {
	at, _ := slices.BinarySearchFunc(l.arriving, w, func(a, b *waitingClaim) int { return a.came.Compare(b.came) })
	l.arriving = slices.Insert(l.arriving, at, w)
}

// leave takes out a claim whose caller has left.
func (l *line) leave(w *waitingClaim) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if w.place == 0 {
		l.arriving = slices.DeleteFunc(l.arriving, func(other *waitingClaim) bool { return other == w })
		return
	}
	delete(l.waiting, w.place)
	l.leaving.add(w)
	l.start()
	l.wake()
}

// freed lets the next pass look for users that may be free, if a claim is in line; for all that claims here want, if the users
// are not known.
func (l *line) freed(users []*domain.User, known bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.running == nil {
		return
	}
	if now := time.Now(); known {
		l.lookout.users = append(l.lookout.users, maybeFree(now, users...)...)
	} else {
		l.lookout.soon.add(now, l.selectors())
	}
	l.wake()
}

// selectors returns the different selectors of the claims that wait here. The caller holds the mutex.
func (l *line) selectors() []domain.Selector {
	different := make(map[string]domain.Selector)
	for _, w := range l.waiting {
		for _, s := range w.claim.Want {
			different[ledger.SearchKey(s)] = s
		}
	}
	return slices.Collect(maps.Values(different))
}

// wake makes a pass due, if a claim is in line.
func (l *line) wake() {
	select {
	case l.awake <- struct{}{}:
	default:
	}
}

// start runs the goroutine. The caller holds the mutex.
func (l *line) start() {
	if l.running == nil && !l.closed {
		l.running = make(chan struct{})
		go l.run(l.running)
	}
}

// noteWorked keeps when the store was last seen to work.
func (l *line) noteWorked(at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.worked = at
}

// fails reports whether the store has not worked for so long.
func (l *line) fails(since time.Duration) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.running != nil && time.Since(l.worked) > since
}

// at returns the claim that has a place, if it is in this process and still there.
func (l *line) at(place ledger.Place) *waitingClaim {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.waiting[place]
}

// left returns the places of the claims that have left, and are still in the store.
func (l *line) left() []int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	places := make([]int64, 0, len(l.leaving))
	for place := range l.leaving {
		places = append(places, int64(place))
	}
	return places
}

// isLeaving reports whether the claim that had a place has left, and the place is still in the store.
func (l *line) isLeaving(place ledger.Place) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.leaving.has(place)
}

// giveUp answers all claims that wait here with an error of the store. The caller holds the mutex.
func (l *line) giveUp(err error) {
	for place, w := range l.waiting {
		if w.caller.bind() {
			delete(l.waiting, place)
			l.leaving.add(w)
			w.caller.answer(err)
		}
	}
	for _, w := range l.arriving {
		if w.caller.bind() {
			w.caller.answer(err)
		}
	}
	l.arriving = nil
}

// errClosed is the answer to claims that still wait when the store is closed.
var errClosed = errors.New("the store is closed")

// close ends the line. It leaves no claim in it.
func (l *line) close() {
	l.mu.Lock()
	l.closed = true
	running := l.running
	l.mu.Unlock()
	if running == nil {
		return
	}
	l.wake()
	select {
	case <-running:
	case <-time.After(closeTimeout):
	}
}
