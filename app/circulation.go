package app

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// Quarantine implements [ports.Circulation].
func (f *Farm) Quarantine(ctx context.Context, id domain.UserID, reason string) (domain.View, error) {
	return f.updateUser(ctx, id, func(now time.Time, user *domain.User) error { return user.Quarantine(now, reason) })
}

// Restore implements [ports.Circulation].
func (f *Farm) Restore(ctx context.Context, id domain.UserID, reason string) (domain.View, error) {
	return f.updateUser(ctx, id, func(now time.Time, user *domain.User) error { return user.Restore(now, reason) })
}

// errMoved says that the user does not have the lease, or the open lock, that it had a moment ago.
var errMoved = errors.New("the user has another lock now")

// ForceRelease implements [ports.Circulation].
func (f *Farm) ForceRelease(ctx context.Context, id domain.UserID, fence uint64, reason string) (domain.View, error) {
	for {
		view, err := f.endLock(ctx, id, fence, reason)
		// Between the read and the update, the lock may end and another one begin. Then end that one, unless its fence is wrong.
		if !errors.Is(err, domain.ErrLeaseExpired) && !errors.Is(err, errMoved) {
			return view, err
		}
	}
}

func (f *Farm) endLock(ctx context.Context, id domain.UserID, fence uint64, reason string) (domain.View, error) {
	users, now, err := f.find(ctx, ports.ByUser(id))
	if err != nil {
		return domain.View{}, err
	}
	target := ports.ByUser(id)
	lease, leased := users[0].Lease()
	if leased && users[0].View(now).Lock != nil {
		target = ports.ByLease(lease)
	}
	forced := f.asCaller(domain.ErrForbidden, func(now time.Time, users []*domain.User) error {
		return domain.ForceRelease(now, users, reason)
	})
	var view domain.View
	_, err = f.store.Update(ctx, target, func(now time.Time, users []*domain.User) error {
		i := slices.IndexFunc(users, func(u *domain.User) bool { return u.ID() == id })
		if i < 0 {
			return errMoved
		}
		if held, _ := users[i].Lease(); held != lease {
			return errMoved
		}
		if fence != 0 {
			if err := users[i].CheckFence(fence); err != nil {
				return err
			}
		}
		if err := forced(now, users); err != nil {
			return err
		}
		view = users[i].View(now)
		return nil
	})
	if err == nil {
		f.endings.tell(lease)
	}
	return view, err
}
