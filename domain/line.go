package domain

import (
	"slices"
	"time"
)

// PlaceKept is for how long a claim that left the line keeps its place for a repetition of the same call.
const PlaceKept = 30 * time.Second

// AwaitsAny reports whether a claim with these selectors may wait for one of these users.
func AwaitsAny(want []Selector, users []*User) bool {
	return slices.ContainsFunc(want, func(s Selector) bool { return slices.ContainsFunc(users, s.Matches) })
}

// Serve distributes free users among the waiting claims of a line. line has the selectors of each claim, the claim that
// came first at index 0. served[i] has the users for line[i], one for each selector, or is nil if line[i] must keep waiting.
//
// Earlier claims are served first. A claim does not get a user that an earlier claim needs. If there are too few users for
// a claim of several, those that match it are reserved for it, and no later claim gets them. A claim takes no more users
// than it needs, and no user that a later claim needs if another user also fits. Among all ways to do this, Serve hands out
// the users that were released longest ago.
func Serve(line [][]Selector, free []*User) (served [][]*User) {
	m := newMatching(free)
	var kept []Selector
	whose := make([]int, 0, len(free)) // for each kept selector, the index of its claim
	found := make([]int, len(line))
	for i, want := range line {
		for _, selector := range want {
			if len(kept) < len(m.users) && m.place(selector) {
				kept, whose = append(kept, selector), append(whose, i)
				found[i]++
			}
		}
	}
	// The matching shows that all kept selectors can be served. Assign serves them with the most rested users.
	users, _ := Assign(kept, free)
	served = make([][]*User, len(line))
	for k, i := range whose {
		if found[i] == len(line[i]) {
			served[i] = append(served[i], users[k])
		}
	}
	return served
}

// matching assigns users to selectors, and reassigns them if that makes room for one selector more.
type matching struct {
	users  []*User
	kinds  []kind // the different selectors so far
	holder []int  // for each user, the kind of the selector that has it; -1 for none
	missed []bool // for each kind, whether no user was left for one of its selectors, so that there will be none for another
}

// kind stands for all selectors that are equal.
type kind struct {
	selector Selector
	fits     []int // indexes of the users that match
}

func newMatching(free []*User) *matching {
	m := &matching{users: MostRested(free)}
	m.holder = make([]int, len(m.users))
	for i := range m.holder {
		m.holder[i] = -1
	}
	return m
}

// place finds a user for a selector, and reassigns others if necessary.
func (m *matching) place(selector Selector) bool {
	k := m.kindOf(selector)
	if m.missed[k] {
		return false
	}
	if !m.take(k, make([]bool, len(m.users))) {
		m.missed[k] = true
		return false
	}
	return true
}

func (m *matching) kindOf(selector Selector) int {
	for k, known := range m.kinds {
		if known.selector.Equal(selector) {
			return k
		}
	}
	k := kind{selector: selector}
	for i, u := range m.users {
		if selector.Matches(u) {
			k.fits = append(k.fits, i)
		}
	}
	m.kinds, m.missed = append(m.kinds, k), append(m.missed, false)
	return len(m.kinds) - 1
}

// take gives a user to a selector of kind k. tried marks the users whose reassignment was tried.
func (m *matching) take(k int, tried []bool) bool {
	for _, u := range m.kinds[k].fits {
		if m.holder[u] < 0 {
			m.holder[u] = k
			return true
		}
	}
	for _, u := range m.kinds[k].fits {
		if tried[u] {
			continue
		}
		tried[u] = true
		if m.holder[u] != k && m.take(m.holder[u], tried) {
			m.holder[u] = k
			return true
		}
	}
	return false
}
