package app

import (
	"context"
	"errors"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// OneTimeCode implements [ports.Leases].
func (f *Farm) OneTimeCode(
	ctx context.Context, id domain.LeaseID, user domain.UserID, wait time.Duration,
) (domain.OneTimeCode, error) {
	if err := domain.CheckWait(wait); err != nil {
		return domain.OneTimeCode{}, err
	}
	deadline := time.Now().Add(wait)
	for {
		code, err := f.giveCode(ctx, id, user)
		used, again := errors.AsType[*domain.CodeUsedError](err)
		if !again || used.Wait > time.Until(deadline) {
			return code, err
		}
		// Another caller may get the next code first. Then wait for the one after it.
		if err := sleep(ctx, used.Wait); err != nil {
			return domain.OneTimeCode{}, err
		}
	}
}

func (f *Farm) giveCode(ctx context.Context, id domain.LeaseID, user domain.UserID) (domain.OneTimeCode, error) {
	var code domain.OneTimeCode
	err := f.update(ctx, ports.ByLease(id.Digest()), func(now time.Time, users []*domain.User) (err error) {
		code, err = domain.GiveCode(now, id, users, user)
		return err
	})
	if err != nil {
		return domain.OneTimeCode{}, err
	}
	return code, nil
}

// sleep returns nil after d, or the error of ctx as soon as that ends.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
