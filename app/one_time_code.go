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
	ctx context.Context, id domain.LeaseID, user domain.UserID, terms domain.CodeTerms,
) (domain.OneTimeCode, error) {
	if err := domain.CheckCodeTerms(terms); err != nil {
		return domain.OneTimeCode{}, err
	}
	deadline := time.Now().Add(terms.Wait)
	for {
		code, err := f.giveCode(ctx, id, user, terms.MinRemaining)
		next, again := errors.AsType[*domain.NextCodeError](err)
		if !again || next.Wait > time.Until(deadline) {
			return code, err
		}
		// Another caller may get the next code first. Then wait for the one after it.
		if err := f.sleepHeld(ctx, id, next.Wait); err != nil {
			return domain.OneTimeCode{}, err
		}
	}
}

func (f *Farm) giveCode(
	ctx context.Context, id domain.LeaseID, user domain.UserID, minRemaining time.Duration,
) (domain.OneTimeCode, error) {
	var code domain.OneTimeCode
	err := f.update(ctx, ports.ByLease(id.Digest()), func(now time.Time, users []*domain.User) (err error) {
		code, err = domain.GiveCode(now, id, users, user, minRemaining)
		return err
	})
	if err != nil {
		return domain.OneTimeCode{}, err
	}
	return code, nil
}
