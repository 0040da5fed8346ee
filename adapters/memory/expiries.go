package memory

import (
	"iter"
	"time"

	"github.com/tidwall/btree"

	"github.com/userfarm/userfarm/domain"
)

// expiries has the users whose locks expire, in the order of that time.
type expiries struct{ tree *btree.BTreeG[expiry] }

type expiry struct {
	at   time.Time
	id   domain.UserID
	user *domain.User
}

func newExpiries() expiries {
	before := func(a, b expiry) bool {
		if c := a.at.Compare(b.at); c != 0 {
			return c < 0
		}
		return compareIDs(a.id, b.id) < 0
	}
	return expiries{tree: btree.NewBTreeGOptions(before, btree.Options{NoLocks: true})}
}

// add adds a user, if its lock expires.
func (x expiries) add(u *domain.User) {
	if at, expires := u.LockExpiry(); expires {
		x.tree.Set(expiry{at: at, id: u.ID(), user: u})
	}
}

// remove removes a user that must be as it was when it was added.
func (x expiries) remove(u *domain.User) {
	if at, expires := u.LockExpiry(); expires {
		x.tree.Delete(expiry{at: at, id: u.ID()})
	}
}

// all yields the users and when their locks expire.
func (x expiries) all() iter.Seq2[time.Time, *domain.User] {
	return func(yield func(time.Time, *domain.User) bool) {
		x.tree.Scan(func(e expiry) bool { return yield(e.at, e.user) })
	}
}
