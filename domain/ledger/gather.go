package ledger

import (
	"cmp"
	"maps"
	"slices"

	"github.com/userfarm/userfarm/domain"
)

// Gathering finds the claims of a line that have to do with users which may be free.
type Gathering struct {
	First    func(users []*domain.User, limit int) []Waiter // the first claims in line that users are for; see [Wants.First]
	Arriving []Waiter                                       // claims that are about to join the line

	// Look loads what searches find; see [Ledger.Load]. Slack is how many users more each search is to find.
	Look  func([]Search) error
	Slack int

	// Rounds and AtOnce are how often it calls Look at most, and with how many searches. Zero says that there is no limit.
	Rounds, AtOnce int
}

// Gather returns the claims that users which are free may be for, in their order. Served alone, they get what they would get
// if the whole line was served (see [Ledger.Turns]): what users they may get is looked for, too. It begins with users that may
// be free, and with free users that match what somebody wants.
//
// It does not look for users of claims that it does not come across: these are taken to have been served as far as possible
// before the users came free. If Rounds is too low, some claims are not served though they could be; but none is overtaken.
func (g Gathering) Gather(l *Ledger, free []*domain.User, want [][]domain.Selector) ([]Waiter, error) {
	reached := make(map[Place]Waiter)
	limits := make(map[string]int) // of the searches so far
	searched := 0                  // in the latest round
	for round := 0; ; round++ {
		known := distinctUsers(free, l.Free())
		before := len(reached)
		g.reach(reached, known)
		// The searches found more users than the claims so far can take. If none of them is for another claim, no claim is missing.
		settled := len(reached) == before && searched > 0 && (g.AtOnce == 0 || searched < g.AtOnce)
		if settled || g.Rounds > 0 && round == g.Rounds {
			break
		}
		// A claim that can't be served may keep one of the known users, and leave another one that it kept so far.
		next := g.further(limits, SearchesOf(g.Slack+len(known), slices.Concat(want, wantsOf(inOrder(reached)))))
		if searched = len(next); searched == 0 {
			break
		}
		if err := g.Look(next); err != nil {
			return nil, err
		}
	}
	return inOrder(reached), nil
}

// reach adds the claims that free users may be for. No more claims than there are free users can get one of them, so that for
// each user, the first claims of that number tell who gets it.
func (g Gathering) reach(reached map[Place]Waiter, free []*domain.User) {
	for _, w := range g.First(free, len(free)) {
		reached[w.Place] = w
	}
	for _, w := range g.Arriving {
		if domain.AwaitsAny(w.Want, free) {
			reached[w.Place] = w
		}
	}
}

// distinctUsers returns the users of both, each once.
func distinctUsers(a, b []*domain.User) []*domain.User {
	ids := make(map[domain.UserID]struct{}, len(a)+len(b))
	return slices.DeleteFunc(slices.Concat(a, b), func(u *domain.User) bool {
		before := len(ids)
		ids[u.ID()] = struct{}{}
		return len(ids) == before
	})
}

// further returns the first searches that may find more than the searches before, and keeps their limits.
func (g Gathering) further(limits map[string]int, searches []Search) []Search {
	var next []Search
	for _, search := range searches {
		if (g.AtOnce == 0 || len(next) < g.AtOnce) && limits[search.Key] < search.Limit {
			next = append(next, search)
			limits[search.Key] = search.Limit
		}
	}
	return next
}

func wantsOf(line []Waiter) [][]domain.Selector {
	wants := make([][]domain.Selector, len(line))
	for i, w := range line {
		wants[i] = w.Want
	}
	return wants
}

func inOrder(claims map[Place]Waiter) []Waiter {
	return slices.SortedFunc(maps.Values(claims), func(a, b Waiter) int { return cmp.Compare(a.Place, b.Place) })
}

// Free returns the users of the ledger that are free.
func (l *Ledger) Free() []*domain.User {
	var free []*domain.User
	for _, e := range l.order {
		if e.free {
			free = append(free, e.current)
		}
	}
	return free
}

// Has reports whether the ledger has loaded a user.
func (l *Ledger) Has(id domain.UserID) bool {
	_, known := l.entries[id]
	return known
}
