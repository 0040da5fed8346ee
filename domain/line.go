package domain

// Serve says who of those that stand in line gets which of the free users. line has what each of them wants, first come
// first; served[i] has the users of line[i], one for each selector, or is nil if line[i] must wait on.
//
// Who came first is served first. Nobody gets a user that somebody further ahead needs, and who wants several users and
// finds too few of them keeps those for itself: they are given to nobody behind it. But nobody takes more than it needs,
// nor a user that somebody behind it needs when another one would do. Among all ways to do so, the users that were
// released longest ago are handed out.
func Serve(line [][]Selector, free []*User) (served [][]*User) {
	m := newMatching(free)
	var kept []Selector
	whose := make([]int, 0, len(free)) // of each kept selector, the place in line
	found := make([]int, len(line))
	for i, want := range line {
		for _, selector := range want {
			if len(kept) < len(m.users) && m.place(selector) {
				kept, whose = append(kept, selector), append(whose, i)
				found[i]++
			}
		}
	}
	// The matching serves them all; Assign does, too, with the most rested users that can.
	users, _ := Assign(kept, free)
	served = make([][]*User, len(line))
	for k, i := range whose {
		if found[i] == len(line[i]) {
			served[i] = append(served[i], users[k])
		}
	}
	return served
}

// matching gives users to selectors, each to one, and moves them around so that one selector more can be served.
type matching struct {
	users  []*User
	kinds  []kind // of the selectors that were seen
	holder []int  // of each user, the kind of the selector that has it; -1 for none
	missed []bool // of each kind: there was no user for one of it, so there will be none for another
}

// kind is what equal selectors want.
type kind struct {
	selector Selector
	fits     []int // indexes of users
}

func newMatching(free []*User) *matching {
	m := &matching{users: MostRested(free)}
	m.holder = make([]int, len(m.users))
	for i := range m.holder {
		m.holder[i] = -1
	}
	return m
}

// place finds a user for a selector, if need be by moving others.
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

// take gives a user to a selector of kind k. tried marks the users that can't be had.
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
