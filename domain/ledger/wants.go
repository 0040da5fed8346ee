package ledger

import (
	"slices"

	"github.com/userfarm/userfarm/domain"
)

// Wants is an index of the claims in line by the users that they want. What it costs to find the claims that a user may be
// for depends on the labels of the user, and on how many different selectors match it; not on how many claims are in line.
type Wants struct {
	claims  map[Place]Waiter
	crowds  map[string]*crowd // by the key of their selector
	shelves map[shelf][]*crowd
	pools   map[domain.Pool]map[*crowd]struct{} // those that name no user, by the pool fields of their selector
	named   map[*crowd]struct{}                 // those that name a user
}

// crowd are the claims in line that have the same selector.
type crowd struct {
	selector domain.Selector
	places   []Place // ascending
	shelf    shelf
}

// shelf is what a user must have, so that the crowds on it may want it: all fields that are set, and one label.
type shelf struct {
	user       domain.UserID
	pool       domain.Pool
	key, value string
}

// NewWants returns an empty index.
func NewWants() *Wants {
	return &Wants{
		claims: make(map[Place]Waiter), crowds: make(map[string]*crowd), shelves: make(map[shelf][]*crowd),
		pools: make(map[domain.Pool]map[*crowd]struct{}), named: make(map[*crowd]struct{}),
	}
}

// Len returns how many claims are in the index.
func (w *Wants) Len() int { return len(w.claims) }

// At returns the claim that has a place.
func (w *Wants) At(place Place) (claim Waiter, known bool) {
	claim, known = w.claims[place]
	return claim, known
}

// Put adds a claim, or replaces the one that has its place.
func (w *Wants) Put(claim Waiter) {
	w.Drop(claim.Place)
	w.claims[claim.Place] = claim
	for _, selector := range claim.Want {
		c := w.crowdOf(selector)
		if at, already := slices.BinarySearch(c.places, claim.Place); !already {
			c.places = slices.Insert(c.places, at, claim.Place)
		}
	}
}

// Drop removes the claim that has a place, if there is one.
func (w *Wants) Drop(place Place) {
	for _, selector := range w.claims[place].Want {
		key := SearchKey(selector)
		c, known := w.crowds[key]
		if !known {
			continue
		}
		if at, found := slices.BinarySearch(c.places, place); found {
			c.places = slices.Delete(c.places, at, at+1)
		}
		if len(c.places) == 0 {
			delete(w.crowds, key)
			w.unshelve(c)
		}
	}
	delete(w.claims, place)
}

func (w *Wants) crowdOf(selector domain.Selector) *crowd {
	key := SearchKey(selector)
	c, known := w.crowds[key]
	if !known {
		c = &crowd{selector: selector, shelf: w.shelfFor(selector)}
		w.crowds[key] = c
		w.shelves[c.shelf] = append(w.shelves[c.shelf], c)
		if selector.UserID.IsZero() {
			if w.pools[c.shelf.pool] == nil {
				w.pools[c.shelf.pool] = make(map[*crowd]struct{}, 1)
			}
			w.pools[c.shelf.pool][c] = struct{}{}
		} else {
			w.named[c] = struct{}{}
		}
	}
	return c
}

func (w *Wants) unshelve(c *crowd) {
	left := slices.DeleteFunc(w.shelves[c.shelf], func(other *crowd) bool { return other == c })
	if len(left) > 0 {
		w.shelves[c.shelf] = left
	} else {
		delete(w.shelves, c.shelf)
	}
	delete(w.named, c)
	if delete(w.pools[c.shelf.pool], c); len(w.pools[c.shelf.pool]) == 0 {
		delete(w.pools, c.shelf.pool)
	}
}

// shelfFor returns the emptiest of the shelves on which a selector may stand: a label that all selectors have tells least.
func (w *Wants) shelfFor(s domain.Selector) shelf {
	if !s.UserID.IsZero() {
		return shelf{user: s.UserID}
	}
	pool, _ := s.Pool()
	emptiest, first := shelf{pool: pool}, true
	for key, value := range s.Labels {
		other := shelf{pool: pool, key: key, value: value}
		if first || len(w.shelves[other]) < len(w.shelves[emptiest]) {
			emptiest, first = other, false
		}
	}
	return emptiest
}

// crowdsOf calls visit with each crowd that a user is for, until that returns false.
func (w *Wants) crowdsOf(u *domain.User, visit func(*crowd) bool) {
	if len(w.claims) == 0 {
		return
	}
	s := u.Snapshot()
	look := func(at shelf) bool {
		for _, c := range w.shelves[at] {
			if c.selector.Matches(u) && !visit(c) {
				return false
			}
		}
		return true
	}
	if !look(shelf{user: s.ID}) {
		return
	}
	for _, pool := range fitting(s.Pool) {
		if w.pools[pool] == nil {
			continue
		}
		if !look(shelf{pool: pool}) {
			return
		}
		for key, value := range s.Labels {
			if !look(shelf{pool: pool, key: key, value: value}) {
				return
			}
		}
	}
}

// fitting returns the pool fields that selectors may have which the users of a pool match.
func fitting(p domain.Pool) (pools [8]domain.Pool) {
	for i := range pools {
		pools[i] = p
		if i&1 != 0 {
			pools[i].ProjectID = domain.ProjectID{}
		}
		if i&2 != 0 {
			pools[i].Env = ""
		}
		if i&4 != 0 {
			pools[i].Domain = ""
		}
	}
	return pools
}

// First returns claims in their order: for each user, the first limit claims that it is for, and perhaps others. It passes over
// those that are not in line according to inLine.
func (w *Wants) First(users []*domain.User, limit int, inLine func(Waiter) bool) []Waiter {
	var first []Place
	seen := make(map[*crowd]struct{})
	take := func(c *crowd) bool {
		if _, again := seen[c]; again {
			return true
		}
		seen[c] = struct{}{}
		taken := 0
		for _, place := range c.places {
			if taken == limit {
				break
			}
			if inLine(w.claims[place]) {
				first = append(first, place)
				taken++
			}
		}
		return true
	}
	for _, u := range users {
		w.crowdsOf(u, take)
	}
	slices.Sort(first)
	first = slices.Compact(first)
	claims := make([]Waiter, len(first))
	for i, place := range first {
		claims[i] = w.claims[place]
	}
	return claims
}

// Wanted reports whether a claim in line wants a user; see First.
func (w *Wants) Wanted(u *domain.User, inLine func(Waiter) bool) (wanted bool) {
	w.crowdsOf(u, func(c *crowd) bool {
		wanted = slices.ContainsFunc(c.places, func(place Place) bool { return inLine(w.claims[place]) })
		return !wanted
	})
	return wanted
}

// HasAlike reports whether a claim has one of these selectors.
func (w *Wants) HasAlike(want []domain.Selector) bool {
	return len(w.claims) > 0 && slices.ContainsFunc(want, func(s domain.Selector) bool { return w.crowds[SearchKey(s)] != nil })
}

// Competing returns how many claims compete with another one; see [domain.CompeteOn]. user finds the users that selectors name.
func (w *Wants) Competing(want []domain.Selector, user func(domain.UserID) (*domain.User, bool)) int {
	var places []Place
	note := func(c *crowd) bool {
		places = append(places, c.places...)
		return true
	}
	for _, s := range want {
		if !s.UserID.IsZero() {
			if u, known := user(s.UserID); known && s.Matches(u) {
				w.crowdsOf(u, note)
			}
			continue
		}
		for _, crowds := range w.poolsLike(s) {
			for c := range crowds {
				if c.selector.Overlaps(s) {
					note(c)
				}
			}
		}
		for c := range w.named {
			if u, known := user(c.selector.UserID); known && c.selector.Matches(u) && s.Matches(u) {
				note(c)
			}
		}
	}
	slices.Sort(places)
	return len(slices.Compact(places))
}

// poolsLike returns the crowds that name no user, of pools in which they may overlap with a selector.
func (w *Wants) poolsLike(s domain.Selector) map[domain.Pool]map[*crowd]struct{} {
	of, named := s.Pool()
	if !named {
		return w.pools
	}
	like := make(map[domain.Pool]map[*crowd]struct{}, 8)
	for _, pool := range fitting(of) {
		like[pool] = w.pools[pool]
	}
	return like
}
