package domain

import (
	"bytes"
	"slices"
)

// Assign gives every selector a user of its own: users[i] is for want[i]. If some can't be served, it serves as many as
// possible and names the others in missing. It looks at what users are, not at whether they are free.
//
// Among all full assignments it uses the users that were released longest ago: users are tried in that order, and each
// is kept if some assignment serves one selector more with it than without (the users that a bipartite graph can match
// form a matroid, in which this greedy choice is the best). So a selector that wants less never takes a user that
// another one needs, and with k selectors, the k most rested candidates of each are enough to find the best assignment.
func Assign(want []Selector, candidates []*User) (users []*User, missing []int) {
	users = make([]*User, len(want))
	left := len(want)
	for _, u := range MostRested(candidates) {
		if left == 0 {
			break
		}
		if place(u, want, users, make([]bool, len(want))) {
			left--
		}
	}
	for i, u := range users {
		if u == nil {
			missing = append(missing, i)
		}
	}
	return users, missing
}

// place gives u to a selector that has no user yet, if need be by moving users that are placed already to others that
// they fit. tried marks the selectors that can't help.
func place(u *User, want []Selector, users []*User, tried []bool) bool {
	for i, s := range want {
		if users[i] == nil && s.Matches(u) {
			users[i] = u
			return true
		}
	}
	for i, s := range want {
		if tried[i] || users[i] == nil || !s.Matches(u) {
			continue
		}
		tried[i] = true
		if place(users[i], want, users, tried) {
			users[i] = u
			return true
		}
	}
	return false
}

// MostRested returns the users without repetition in the order in which they are handed out: those that nobody ever
// held first, then by the end of their latest lock, then by id.
func MostRested(users []*User) []*User {
	sorted := slices.SortedFunc(slices.Values(users), CompareRest)
	return slices.CompactFunc(sorted, func(a, b *User) bool { return a.ID() == b.ID() })
}

// CompareRest orders users as they are handed out; see [MostRested].
func CompareRest(a, b *User) int {
	fromA, endsA := a.FreeFrom()
	fromB, endsB := b.FreeFrom()
	switch {
	case endsA && endsB:
		if c := fromA.Compare(fromB); c != 0 {
			return c
		}
	case endsA:
		return -1
	case endsB:
		return 1
	}
	idA, idB := a.ID(), b.ID()
	return bytes.Compare(idA[:], idB[:])
}
