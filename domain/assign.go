package domain

import (
	"bytes"
	"slices"
)

// Assign picks a different user for each selector: users[i] is for want[i]. If it can't serve all selectors, it serves as
// many as possible; missing has the indexes of the others. It does not check whether users are free.
//
// Among all assignments that serve the most selectors, it returns one of the users that were released longest ago. It tries
// users in that order, and keeps a user if one selector more can be served with it. (The sets of users that a bipartite
// graph can match form a matroid, so this greedy choice is the best one.) So a selector that fits many users never takes a
// user that another selector needs. With k selectors, the k most rested candidates of each selector are enough to find the
// best assignment.
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

// place gives u to a selector that has no user yet. If necessary, it moves placed users to other selectors that match them.
// tried marks the selectors from which moving a user was tried.
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

// MostRested returns the users, each once, in the order in which they are handed out: users that were never locked first,
// then by the end of their latest lock, then by id.
func MostRested(users []*User) []*User {
	sorted := slices.SortedFunc(slices.Values(users), CompareRest)
	return slices.CompactFunc(sorted, func(a, b *User) bool { return a.ID() == b.ID() })
}

// CompareRest compares users by the order in which they are handed out; see [MostRested].
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
