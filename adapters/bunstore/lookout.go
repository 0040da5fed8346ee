package bunstore

import (
	"slices"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/ledger"
)

const (
	// lookAtOnce is how many users, and how many selectors, one pass looks for. So the line is never kept for long.
	lookAtOnce = 32

	// lookPause lies between passes that look for selectors: others go first.
	lookPause = 20 * time.Millisecond

	// recheck is how long after it was told of a user that was not free, or after a claim joined the line, a pass looks again: a
	// rival may have held the user only to let it go, or a release may have been about to commit.
	recheck = 20 * time.Millisecond

	// recheckFor is for how long a user that is not free is looked for again, less and less often.
	recheckFor = time.Second

	// sweepEvery is how often users are looked for for all claims in line, though nothing says that any are free: what a process
	// is told is a hint that may be lost. A sweep takes longer if many claims are in line, because it pauses for sweepPause
	// times as long as it has looked.
	sweepEvery = 5 * time.Second
	sweepPause = 20
)

// lookout has what the next passes look for. The mutex of the line guards it.
type lookout struct {
	users    []freedUser
	soon     selectorQueue
	sweep    selectorQueue // what is left of a sweep
	swept    time.Time     // when the latest sweep began
	sweepDue time.Time     // when it may go on
	looked   time.Time     // when selectors were last taken
}

// freedUser is a user that may be free, and that is not looked for before due.
type freedUser struct {
	user       *domain.User
	due, until time.Time
	pause      time.Duration
}

// dueSelector is a selector of a claim that may be served though no user is known to have come free.
type dueSelector struct {
	selector domain.Selector
	key      string
	due      time.Time
}

// sighting is what one pass looks for.
type sighting struct {
	users     []freedUser
	selectors []dueSelector
	sweeps    bool // the selectors are part of a sweep
}

// selectorQueue has different selectors in the order in which they are due.
type selectorQueue struct {
	due  []dueSelector
	keys map[string]bool
}

func (q *selectorQueue) add(due time.Time, selectors []domain.Selector) {
	if q.keys == nil {
		q.keys = make(map[string]bool)
	}
	for _, s := range selectors {
		if key := ledger.SearchKey(s); !q.keys[key] {
			q.keys[key] = true
			q.due = append(q.due, dueSelector{selector: s, key: key, due: due})
		}
	}
}

// take returns some of the selectors that are due, and drops them.
func (q *selectorQueue) take(now time.Time) (some []dueSelector) {
	for len(q.due) > 0 && len(some) < lookAtOnce && !q.due[0].due.After(now) {
		first := q.due[0]
		delete(q.keys, first.key)
		some, q.due = append(some, first), q.due[1:]
	}
	return some
}

func (q *selectorQueue) putBack(some []dueSelector) {
	q.due = append(some, q.due...)
	for _, due := range some {
		q.keys[due.key] = true
	}
}

// maybeFree returns users to look for at once.
func maybeFree(now time.Time, users ...*domain.User) []freedUser {
	freed := make([]freedUser, len(users))
	for i, u := range users {
		freed[i] = freedUser{user: u, due: now, until: now.Add(recheckFor), pause: recheck}
	}
	return freed
}

// take returns what is due, and drops it. all returns the selectors of all claims that wait here.
func (o *lookout) take(now time.Time, all func() []domain.Selector) (s sighting) {
	o.users = slices.DeleteFunc(o.users, func(f freedUser) bool {
		taken := !f.due.After(now) && len(s.users) < lookAtOnce
		if taken {
			s.users = append(s.users, f)
		}
		return taken
	})
	if now.Sub(o.looked) < lookPause {
		return s
	}
	if s.selectors = o.soon.take(now); len(s.selectors) == 0 && !now.Before(o.sweepDue) {
		if len(o.sweep.due) == 0 && now.Sub(o.swept) >= sweepEvery {
			o.swept = now
			o.sweep.add(now, all())
		}
		s.selectors = o.sweep.take(now)
		s.sweeps = len(s.selectors) > 0
	}
	if len(s.selectors) > 0 {
		o.looked = now
	}
	return s
}

// haveLooked is for a pass that has looked, which took so long.
func (o *lookout) haveLooked(now time.Time, s sighting, took time.Duration) {
	if s.sweeps {
		o.sweepDue = now.Add(sweepPause * took)
	}
}

// putBack is for a pass that failed.
func (o *lookout) putBack(s sighting) {
	o.users = append(o.users, s.users...)
	if s.sweeps {
		o.sweep.putBack(s.selectors)
		return
	}
	o.soon.putBack(s.selectors)
}

// lookAgain keeps a user that was not free.
func (o *lookout) lookAgain(now time.Time, f freedUser) {
	if f.due = now.Add(f.pause); f.due.Before(f.until) {
		f.pause *= 2
		o.users = append(o.users, f)
	}
}

// next returns how long it is until something is due.
func (o *lookout) next(now time.Time) time.Duration {
	due := o.swept.Add(sweepEvery)
	if len(o.sweep.due) > 0 {
		due = o.sweepDue
	}
	if len(o.soon.due) > 0 && o.soon.due[0].due.Before(due) {
		due = o.soon.due[0].due
	}
	if again := o.looked.Add(lookPause); len(o.soon.due)+len(o.sweep.due) > 0 && again.After(due) {
		due = again
	}
	for _, f := range o.users {
		if f.due.Before(due) {
			due = f.due
		}
	}
	return max(due.Sub(now), 0)
}
