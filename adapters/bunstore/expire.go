package bunstore

import (
	"context"
	"time"

	"github.com/userfarm/userfarm/domain"
)

// expireAtOnce is how many locks one transaction ends at most.
const expireAtOnce = 256

// EndExpired implements [ports.Housekeeping].
func (s *Store) EndExpired(ctx context.Context) (next time.Duration, err error) {
	for more := true; more && err == nil; {
		err = s.bounded(ctx, "end expired locks", func(ctx context.Context) error {
			expiry := new(expiry)
			err := s.queue.do(ctx, expiry)
			more, next = expiry.more && expiry.ended > 0, expiry.next
			return err
		})
	}
	return next, err
}

// expiry is the operation of [Store.EndExpired].
type expiry struct {
	forthright
	ended int
	more  bool
	next  time.Duration
}

func (*expiry) size() int { return expireAtOnce }

func (*expiry) ask(ask *Ask) { ask.Expired = expireAtOnce }

func (x *expiry) decide(r *round) error {
	x.ended = 0
	for _, e := range r.expired {
		if e.err != nil || e.removed {
			continue // who can't be read is dealt with when it can
		}
		_, err := r.decide([]*entry{e}, func(now time.Time, users []*domain.User) error {
			users[0].Expire(now)
			return nil
		})
		if err != nil {
			return err
		}
		x.ended++
	}
	x.more, x.next = len(r.expired) == expireAtOnce, r.nextExpiry()
	return nil
}
