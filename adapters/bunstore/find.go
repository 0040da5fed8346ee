package bunstore

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// Find implements [ports.Users].
func (s *Store) Find(ctx context.Context, target ports.Target) ([]*domain.User, time.Time, error) {
	var targets found
	err := s.read(ctx, "find", func(ctx context.Context, db bun.IDB) (err error) {
		targets, err = s.find(ctx, db, target, "")
		return err
	})
	if err != nil {
		return nil, time.Time{}, err
	}
	return targets.users, targets.now, nil
}

// find returns the users of a target, those of a lease in its order, or refuses with the errors of [ports.Users].
func (s *Store) find(ctx context.Context, db bun.IDB, target ports.Target, locking string) (found, error) {
	search := db.NewSelect().Order("u.user_id") // the order of locking: no two transactions wait for each other
	lease, leased := target.Lease()
	if leased {
		search = search.Where("u.lock_lease = ?", lease[:])
	} else {
		id, _ := target.User()
		search = search.Where("u.user_id = ?", id.String())
	}
	targets, err := s.load(ctx, db, search, locking)
	switch {
	case err != nil:
		return found{}, err
	case len(targets.users) > 0:
		targets.sortByPosition()
		return targets, nil
	case leased:
		return found{}, s.whyNoLease(ctx, db, lease)
	default:
		return found{}, refuse(domain.ErrUserNotFound)
	}
}
