package memory

import (
	"cmp"
	"maps"
	"slices"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/ledger"
)

// limits say when to keep a partial index, and how many.
type limits struct {
	// few is how many groups and pools a search may look at every time. A selector that needs more gets a partial index.
	few int

	// ofPool and ofGroup bound what the selectors of some callers cost others: a new set of labels is compared with all
	// partial indexes of its pool, and a user is moved in all those of its group.
	ofPool, ofGroup int

	// idle is after how many other searches an index may give way to another one.
	idle uint64
}

var defaultLimits = limits{few: 16, ofPool: 256, ofGroup: 32, idle: 10_000}

// partial is the order of rest of all users that a selector matches, kept for the next search. So a search costs the same
// whether one of many sets of labels matches or all of them.
type partial struct {
	want   domain.Selector
	key    string
	of     map[string]*partial // all of the pool, or all of selectors that leave pool fields open
	order  order               // alone in its tree, so that it goes with it
	groups map[*group]struct{} // those that the selector matches
	asked  uint64              // the latest search that used it
}

// ordersOf returns orders of rest that together have the users which a selector matches, and no others.
func (x *index) ordersOf(want domain.Selector, key string) []order {
	x.searches++
	if want.Scope().Limited && !want.ProjectID.IsZero() {
		if !want.Scope().Has(want.ProjectID) {
			return nil
		}
		// Callers of different scopes share the index of a project's users.
		want = domain.Selector{ProjectID: want.ProjectID, Env: want.Env, Domain: want.Domain, Labels: want.Labels}
		key = ledger.SearchKey(want)
	}
	of := x.partial
	if pool, named := want.Pool(); named {
		p, known := x.pools[pool]
		if !known {
			return nil
		}
		of = p.partial
	}
	if p, known := of[key]; known {
		p.asked = x.searches
		return []order{p.order}
	}
	groups, looked := x.matching(want)
	if looked > x.limits.few && x.hasRoom(of, groups) {
		return []order{x.keep(want, key, of, groups).order}
	}
	found := make([]order, len(groups))
	for i, g := range groups {
		found[i] = g.order
	}
	return found
}

// hasRoom reports whether a partial index of groups may be made. It makes room if some indexes were not used lately.
// Otherwise, selectors that are used in turn would make and drop indexes all the time, which costs more than to search
// without one.
func (x *index) hasRoom(of map[string]*partial, groups []*group) bool {
	if len(of) >= x.limits.ofPool && !x.forgetIdle(slices.Collect(maps.Values(of))) {
		return false
	}
	for _, g := range groups {
		if len(g.partial) >= x.limits.ofGroup && !x.forgetIdle(g.partial) {
			return false
		}
	}
	return true
}

// keep makes a partial index.
func (x *index) keep(want domain.Selector, key string, of map[string]*partial, groups []*group) *partial {
	want.Labels = want.Labels.Clone() // the caller may change its own
	p := &partial{
		want: want, key: key, of: of, order: order{tree: newTree()}, groups: make(map[*group]struct{}, len(groups)), asked: x.searches,
	}
	of[key] = p
	for _, g := range groups {
		p.join(g)
	}
	p.order.fill(x.usersOf(want, groups))
	return p
}

// join lets a partial index have a group from now on.
func (p *partial) join(g *group) {
	g.partial = append(g.partial, p)
	p.groups[g] = struct{}{}
}

// extend lets all partial indexes whose selectors match a new group have it.
func (x *index) extend(g *group) {
	for _, indexes := range []map[string]*partial{g.pool.partial, x.partial} {
		for _, p := range indexes {
			if !p.want.Matches(g.example) {
				continue
			}
			if len(g.partial) == x.limits.ofGroup {
				leastUsed(g.partial).drop()
			}
			p.join(g)
		}
	}
}

// forgetIdle drops the index that was not used for the longest time, unless it was used lately.
func (x *index) forgetIdle(among []*partial) bool {
	p := leastUsed(among)
	if x.searches-p.asked <= x.limits.idle {
		return false
	}
	p.drop()
	return true
}

func leastUsed(indexes []*partial) *partial {
	return slices.MinFunc(indexes, func(a, b *partial) int { return cmp.Compare(a.asked, b.asked) })
}

func (p *partial) drop() {
	for g := range p.groups {
		g.partial = slices.DeleteFunc(g.partial, func(other *partial) bool { return other == p })
	}
	delete(p.of, p.key)
}
