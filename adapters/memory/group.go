package memory

import (
	"iter"
	"maps"
	"slices"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/ledger"
)

// pool has the users of a pool, in groups.
type pool struct {
	key      domain.Pool
	groups   map[*group]struct{}
	byLabels map[string]*group             // by the key of their labels
	having   map[label]map[*group]struct{} // those that have a label
	partial  map[string]*partial           // indexes of selectors that name the pool, by their keys
}

type label struct{ key, value string }

// group has the users of a pool that have the same labels. A selector that names no user matches all of them or none.
type group struct {
	pool    *pool
	key     string
	order   order
	size    int
	example *domain.User // one of them, or one that was
	partial []*partial   // indexes that have the group
}

// enter returns the group that a user is to be in. It makes one if there is none.
func (x *index) enter(u *domain.User) *group {
	labels := u.Snapshot().Labels
	key := ledger.SearchKey(domain.Selector{Labels: labels})
	p, known := x.pools[u.Pool()]
	if !known {
		p = &pool{
			key: u.Pool(), groups: make(map[*group]struct{}), byLabels: make(map[string]*group),
			having: make(map[label]map[*group]struct{}), partial: make(map[string]*partial),
		}
		x.pools[p.key] = p
	}
	g, known := p.byLabels[key]
	if !known {
		g = &group{pool: p, key: key, order: x.newOrder(), example: u}
		p.groups[g], p.byLabels[key] = struct{}{}, g
		for k, v := range labels {
			groups := p.having[label{k, v}]
			if groups == nil {
				groups = make(map[*group]struct{}, 1)
				p.having[label{k, v}] = groups
			}
			groups[g] = struct{}{}
		}
		x.extend(g)
	}
	g.size++
	return g
}

// leave takes note that a user has left a group, which ends with its last user, as the pool with its last group.
func (x *index) leave(g *group) {
	if g.size--; g.size > 0 {
		return
	}
	p := g.pool
	for k, v := range g.example.Snapshot().Labels {
		groups := p.having[label{k, v}]
		if delete(groups, g); len(groups) == 0 {
			delete(p.having, label{k, v})
		}
	}
	for _, of := range g.partial {
		delete(of.groups, g)
	}
	delete(p.byLabels, g.key)
	if delete(p.groups, g); len(p.groups) == 0 {
		delete(x.pools, p.key)
	}
}

func (x *index) newOrder() order {
	x.numbered++
	return order{tree: x.rest, number: x.numbered}
}

// matching returns the groups whose users a selector matches, and how many pools and groups it looked at.
func (x *index) matching(want domain.Selector) (groups []*group, looked int) {
	for p := range x.poolsOf(want) {
		looked++
		if !want.InPool(p.key) {
			continue
		}
		for g := range p.candidates(want.Labels) {
			looked++
			if want.Matches(g.example) {
				groups = append(groups, g)
			}
		}
	}
	return groups, looked
}

// poolsOf yields the pools that could have users which a selector matches.
func (x *index) poolsOf(want domain.Selector) iter.Seq[*pool] {
	key, named := want.Pool()
	if !named {
		return maps.Values(x.pools)
	}
	return func(yield func(*pool) bool) {
		if p, known := x.pools[key]; known {
			yield(p)
		}
	}
}

// candidates returns the groups that have the rarest of the labels, which include those that have all of them.
func (p *pool) candidates(labels domain.Labels) map[*group]struct{} {
	rarest := p.groups
	for k, v := range labels {
		if groups := p.having[label{k, v}]; len(groups) < len(rarest) {
			rarest = groups
		}
	}
	return rarest
}

// usersOf returns the users of the groups that a selector matches, in any order.
func (x *index) usersOf(want domain.Selector, groups []*group) (users []*domain.User) {
	if len(groups) > x.members.Len()/matchesOneIn {
		return slices.Collect(x.scan(want, domain.UserID{}, false))
	}
	for _, g := range groups {
		g.order.ascend(earliest, func(u *domain.User) bool {
			users = append(users, u)
			return true
		})
	}
	return users
}
