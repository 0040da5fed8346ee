package app

import (
	"context"
	"errors"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// reportLate keeps the faults of a lease that is over, of those users that nobody has acquired since. It returns a
// [domain.EndedLeaseError] that says what became of the faults, or another error. A repetition of a call that failed midway
// completes it.
func (f *Farm) reportLate(ctx context.Context, id domain.LeaseID, faults []domain.Fault) error {
	lease := ports.ByLease(id.Digest())
	err := f.update(ctx, lease, func(now time.Time, users []*domain.User) error {
		return domain.RecordExpiry(now, users, faults)
	})
	if err == nil {
		_, _, err = f.find(ctx, lease) // no user has the lock of the lease anymore, so this tells what is known of it
	}
	ended, over := errors.AsType[*domain.EndedLeaseError](err)
	switch {
	case err == nil:
		return domain.ErrLeaseExpired // the clock was set back to before the end of the lease
	case !over:
		return err
	}
	if err := ended.CheckFaults(faults); err != nil {
		return err
	}
	told := domain.EndedLeaseError{EndedLease: ended.EndedLease}
	seen := make(map[domain.UserID]bool)
	for _, fault := range faults {
		if seen[fault.UserID] {
			continue
		}
		seen[fault.UserID] = true
		kept, err := f.keepFault(ctx, ended.EndedLease, fault)
		if err != nil {
			return err
		}
		told.Faults = append(told.Faults, domain.LateFault{UserID: fault.UserID, Kept: kept})
	}
	return &told
}

// keepFault reports whether a late fault is kept. That of a user that was removed is not.
func (f *Farm) keepFault(ctx context.Context, ended domain.EndedLease, fault domain.Fault) (kept bool, err error) {
	if ended.Users == nil {
		return false, nil
	}
	err = f.update(ctx, ports.ByUser(fault.UserID), func(now time.Time, users []*domain.User) error {
		kept = ended.KeepFault(now, users[0], fault)
		return nil
	})
	if errors.Is(err, domain.ErrUserNotFound) {
		return false, nil
	}
	return kept && err == nil, err
}
