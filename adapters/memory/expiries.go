package memory

import (
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

// between returns the users whose locks expire after one time and until another, and when the next lock expires after that;
// zero if none will.
func (x expiries) between(after, until time.Time) (users []*domain.User, next time.Time) {
	x.tree.Ascend(expiry{at: after}, func(e expiry) bool {
		if e.at.After(until) {
			next = e.at
			return false
		}
		if e.at.After(after) {
			users = append(users, e.user)
		}
		return true
	})
	return users, next
}
