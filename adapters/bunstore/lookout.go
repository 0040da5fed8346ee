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
	// is told is a hint that may be lost.
	sweepEvery = 5 * time.Second
)

// lookout has what the next passes look for. The mutex of the line guards it.
type lookout struct {
	users     []freedUser
	selectors []dueSelector   // in the order in which they are due
	queued    map[string]bool // the keys of selectors
	swept     time.Time       // when the latest sweep began
	looked    time.Time       // when selectors were last taken
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
}

// maybeFree returns users to look for at once.
func maybeFree(now time.Time, users ...*domain.User) []freedUser {
	freed := make([]freedUser, len(users))
	for i, u := range users {
		freed[i] = freedUser{user: u, due: now, until: now.Add(recheckFor), pause: recheck}
	}
	return freed
}

// addSelectors adds selectors, but for those that are there already.
func (o *lookout) addSelectors(due time.Time, selectors []domain.Selector) {
	if o.queued == nil {
		o.queued = make(map[string]bool)
	}
	for _, s := range selectors {
		if key := ledger.SearchKey(s); !o.queued[key] {
			o.queued[key] = true
			o.selectors = append(o.selectors, dueSelector{selector: s, key: key, due: due})
		}
	}
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
	if now.Sub(o.swept) >= sweepEvery && len(o.selectors) == 0 {
		o.swept = now
		o.addSelectors(now, all())
	}
	if now.Sub(o.looked) < lookPause {
		return s
	}
	for len(o.selectors) > 0 && len(s.selectors) < lookAtOnce && !o.selectors[0].due.After(now) {
		first := o.selectors[0]
		delete(o.queued, first.key)
		s.selectors, o.selectors, o.looked = append(s.selectors, first), o.selectors[1:], now
	}
	return s
}

// putBack is for a pass that failed.
func (o *lookout) putBack(s sighting) {
	o.users, o.selectors = append(o.users, s.users...), append(s.selectors, o.selectors...)
	for _, due := range s.selectors {
		o.queued[due.key] = true
	}
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
	if len(o.selectors) > 0 {
		due = o.selectors[0].due
		if again := o.looked.Add(lookPause); again.After(due) {
			due = again
		}
	}
	for _, f := range o.users {
		if f.due.Before(due) {
			due = f.due
		}
	}
	return max(due.Sub(now), 0)
}
