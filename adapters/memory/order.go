package memory

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/tidwall/btree"

	"github.com/userfarm/userfarm/domain"
)

// order has users in the order of [domain.CompareRest], free or not. The free ones come first, as [domain.User.FreeFrom]
// promises. A user whose lock expires becomes free where it stands, with nothing to do: its place is that of the expiry. Users
// that do not become free by the passing of time come last, in the order in which their locks end.
//
// An order is a range of a tree. A farm may have an order for each user, when no two users have the same labels, and a range
// costs nothing but its entries.
type order struct {
	tree   *btree.BTreeG[entry]
	number uint64
}

// entry is a user in an order. The key is in the entry, so that a comparison does not have to fetch a user from memory.
type entry struct {
	order uint64
	from  instant
	id    domain.UserID
	user  *domain.User
}

func (e entry) compare(other entry) int {
	switch {
	case e.order != other.order:
		return cmp.Compare(e.order, other.order)
	case e.from.seconds != other.from.seconds:
		return cmp.Compare(e.from.seconds, other.from.seconds)
	case e.from.nanoseconds != other.from.nanoseconds:
		return cmp.Compare(e.from.nanoseconds, other.from.nanoseconds)
	default:
		return compareIDs(e.id, other.id)
	}
}

func newTree() *btree.BTreeG[entry] {
	return btree.NewBTreeGOptions(func(a, b entry) bool { return a.compare(b) < 0 }, btree.Options{NoLocks: true})
}

func (o order) entry(u *domain.User) entry {
	from := instant{seconds: never, nanoseconds: lockEnd(u)}
	if at, ok := u.FreeFrom(); ok {
		from = instantOf(at)
	}
	return entry{order: o.number, from: from, id: u.ID(), user: u}
}

// lockEnd returns when a user's lock expires, in microseconds since 1970.
func lockEnd(u *domain.User) int64 {
	if at, expires := u.LockExpiry(); expires {
		return at.UnixMicro()
	}
	return math.MaxInt64
}

func (o order) add(u *domain.User) { o.tree.Set(o.entry(u)) }

// fill adds users to an order that has none, and is alone in its tree.
func (o order) fill(users []*domain.User) {
	entries := make([]entry, len(users))
	for i, u := range users {
		entries[i] = o.entry(u)
	}
	slices.SortFunc(entries, entry.compare)
	for _, e := range entries {
		o.tree.Load(e)
	}
}

// remove removes a user that must be as it was when it was added.
func (o order) remove(u *domain.User) { o.tree.Delete(o.entry(u)) }

// ascend visits the users from a place in the order on, until visit returns false.
func (o order) ascend(from instant, visit func(*domain.User) bool) {
	o.tree.Ascend(entry{order: o.number, from: from}, func(e entry) bool { return e.order == o.number && visit(e.user) })
}

// instant is a time, or a time after all others if its seconds are never.
type instant struct{ seconds, nanoseconds int64 }

const never = math.MaxInt64

var earliest = instant{seconds: math.MinInt64}

func instantOf(t time.Time) instant {
	return instant{seconds: t.Unix(), nanoseconds: int64(t.Nanosecond())}
}
