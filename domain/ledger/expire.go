package ledger

import (
	"time"

	"github.com/userfarm/userfarm/domain"
)

// Expire records that locks have expired; see [domain.User.Expire].
type Expire struct {
	Limit int // the most locks to look for

	// The outcome: how many locks expired, whether there may be more, and the time until the next lock expires; 0 if none
	// will. Users that can't be read are passed over.
	Ended int
	More  bool
	Next  time.Duration
}

func (x *Expire) need(n *Needs) { n.Expired = x.Limit }

func (x *Expire) apply(l *Ledger) error {
	x.Ended = 0
	for _, e := range l.expired {
		if e.Err != nil || e.removed {
			continue
		}
		_, err := l.decide([]*entry{e}, func(now time.Time, users []*domain.User) error {
			users[0].Expire(now)
			return nil
		})
		if err != nil {
			return err
		}
		x.Ended++
	}
	x.More, x.Next = len(l.expired) == x.Limit, l.NextExpiry()
	return nil
}

func (*Expire) confirm(map[domain.UserID]bool) error { return nil }

// NextExpiry returns how long it is until the next lock expires, or less if that lock was released in this ledger. It
// returns 0 if none will expire.
func (l *Ledger) NextExpiry() time.Duration {
	next := l.loaded.NextExpiry
	for _, e := range l.changed {
		if at, expires := e.current.LockExpiry(); expires && !e.removed && at.After(l.loaded.Now) && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	if next.IsZero() {
		return 0
	}
	return max(time.Microsecond, next.Sub(l.loaded.Now))
}
