package memory

import (
	"cmp"
	"iter"
	"slices"
	"time"

	"github.com/tidwall/btree"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/ledger"
)

// index has the users of the farm, and finds them without looking at others. Users in it are replaced, never changed.
type index struct {
	limits   limits
	members  *btree.BTreeG[member]                 // by id
	leases   map[domain.LeaseDigest][]*domain.User // those that carry a lock of a lease, in any order
	expiries expiries
	rest     *btree.BTreeG[entry]  // the orders of all groups
	numbered uint64                // how many of these orders were made
	pools    map[domain.Pool]*pool // those that have users
	partial  map[string]*partial   // indexes of selectors that leave pool fields open, by their keys
	searches uint64                // how many were made, as the time of partial indexes
}

// member is a user of the farm.
type member struct {
	id    domain.UserID
	user  *domain.User
	group *group
}

func newIndex(limits limits) *index {
	return &index{
		limits: limits,
		members: btree.NewBTreeGOptions(func(a, b member) bool { return compareIDs(a.id, b.id) < 0 },
			btree.Options{NoLocks: true}),
		leases:   make(map[domain.LeaseDigest][]*domain.User),
		expiries: newExpiries(),
		rest:     newTree(),
		pools:    make(map[domain.Pool]*pool),
		partial:  make(map[string]*partial),
	}
}

// get returns the user with this id.
func (x *index) get(id domain.UserID) (u *domain.User, found bool) {
	m, found := x.members.Get(member{id: id})
	return m.user, found
}

// after yields the users that come after one in a list; see [index.list].
func (x *index) after(id domain.UserID, newestFirst bool) iter.Seq[*domain.User] {
	return func(yield func(*domain.User) bool) {
		next := func(m member) bool { return m.id == id || yield(m.user) }
		switch {
		case !newestFirst:
			x.members.Ascend(member{id: id}, next)
		case id.IsZero():
			x.members.Reverse(next)
		default:
			x.members.Descend(member{id: id}, next)
		}
	}
}

// put adds a user, or replaces the one with its id. A user stays in its pool.
func (x *index) put(u *domain.User) {
	m, known := x.members.Get(member{id: u.ID()})
	if known {
		x.unlink(m)
	}
	switch {
	case !known:
		m = member{id: u.ID(), group: x.enter(u)}
	case !m.user.SameAccount(u): // it may have other labels
		left := m.group
		m.group = x.enter(u)
		x.leave(left)
	}
	m.user, m.group.example = u, u
	x.members.Set(m)
	x.link(m)
}

// remove removes a user that is there.
func (x *index) remove(id domain.UserID) {
	m, _ := x.members.Delete(member{id: id})
	x.unlink(m)
	x.leave(m.group)
}

// link enters a user where its lock and its rest say.
func (x *index) link(m member) {
	if lease, leased := m.user.Lease(); leased {
		x.leases[lease] = append(x.leases[lease], m.user)
	}
	x.expiries.add(m.user)
	m.group.order.add(m.user)
	for _, p := range m.group.partial {
		p.order.add(m.user)
	}
}

// unlink is the opposite of link.
func (x *index) unlink(m member) {
	if lease, leased := m.user.Lease(); leased {
		if left := slices.DeleteFunc(x.leases[lease], func(u *domain.User) bool { return u == m.user }); len(left) > 0 {
			x.leases[lease] = left
		} else {
			delete(x.leases, lease)
		}
	}
	x.expiries.remove(m.user)
	m.group.order.remove(m.user)
	for _, p := range m.group.partial {
		p.order.remove(m.user)
	}
}

// mostRested returns the first n users that a selector matches, in the order of [domain.MostRested], up to the first one that
// is not eligible. key is the selector's [ledger.SearchKey].
func (x *index) mostRested(want domain.Selector, key string, n int, eligible func(*domain.User) bool) []*domain.User {
	if !want.UserID.IsZero() {
		if u, found := x.get(want.UserID); found && n > 0 && want.Matches(u) && eligible(u) {
			return []*domain.User{u}
		}
		return nil
	}
	var users []*domain.User
	searched := x.ordersOf(want, key)
	for _, order := range searched {
		found := len(users)
		order.ascend(earliest, func(u *domain.User) bool {
			if len(users)-found == n || !eligible(u) {
				return false
			}
			users = append(users, u)
			return true
		})
	}
	if len(searched) > 1 {
		users = domain.MostRested(users)
	}
	return users[:min(n, len(users))]
}

// held returns the first n users that a selector matches and that are locked, in the order in which their locks end.
func (x *index) held(now time.Time, want domain.Selector, n int) []*domain.User {
	var held []*domain.User
	for _, order := range x.ordersOf(want, ledger.SearchKey(want)) {
		// Those that become free when their locks end, and those that do not, are each in the order of that time.
		for _, from := range []instant{instantOf(now), {seconds: never}} {
			found := 0
			order.ascend(from, func(u *domain.User) bool {
				if u.Status(now) == domain.Locked {
					held = append(held, u)
					found++
				}
				return found < n
			})
		}
	}
	slices.SortFunc(held, func(a, b *domain.User) int {
		return cmp.Or(cmp.Compare(lockEnd(a), lockEnd(b)), compareIDs(a.ID(), b.ID()))
	})
	held = slices.Compact(held)
	return held[:min(n, len(held))]
}
