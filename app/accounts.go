package app

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// accountsAtOnce is how many users AllAccounts reads from the store at a time.
const accountsAtOnce = 1000

// CreateUser implements [ports.Accounts].
func (f *Farm) CreateUser(ctx context.Context, spec domain.Spec, key domain.IdempotencyKey) (domain.View, error) {
	// The process clock is good enough here: it orders lists, and decides about no lock.
	now := time.Now().UTC().Truncate(time.Microsecond)
	user, err := f.caller.NewUser(domain.NewUserID(now), now, spec)
	if err != nil {
		return domain.View{}, err
	}
	if err := f.checkProject(spec.Pool.ProjectID); err != nil {
		return domain.View{}, err
	}
	err = f.store.Add(ctx, key.Of(f.caller).Once("create user", createUserRequest(spec), user.ID()), user)
	if repeated, ok := errors.AsType[*domain.RepeatedError](err); ok {
		return f.created(ctx, repeated.Outcome, spec)
	}
	if err != nil {
		return domain.View{}, err
	}
	return user.View(now), nil
}

// created returns the user that an earlier call with the same key created. It returns [domain.ErrIdempotencyMismatch] if the
// user now has other secrets than spec, because [createUserRequest] leaves the secrets out.
func (f *Farm) created(ctx context.Context, id domain.UserID, spec domain.Spec) (domain.View, error) {
	users, now, err := f.find(ctx, ports.ByUser(id))
	if err != nil {
		return domain.View{}, err
	}
	if !users[0].HasSecrets(spec.Password, spec.TOTP) {
		return domain.View{}, domain.ErrIdempotencyMismatch
	}
	return users[0].View(now), nil
}

// User implements [ports.Accounts].
func (f *Farm) User(ctx context.Context, id domain.UserID) (domain.View, error) {
	users, now, err := f.find(ctx, ports.ByUser(id))
	if err != nil {
		return domain.View{}, err
	}
	return users[0].View(now), nil
}

// Users implements [ports.Accounts].
func (f *Farm) Users(ctx context.Context, q ports.Query) (ports.UserPage, error) {
	if err := f.checkProject(q.ProjectID); err != nil {
		return ports.UserPage{}, err
	}
	q.Scope, q.Limit = f.caller.Scope, limitOf(q.Limit)
	page, err := f.store.List(ctx, q)
	if err != nil {
		return ports.UserPage{}, err
	}
	views := make([]domain.View, len(page.Users))
	for i, u := range page.Users {
		views[i] = u.View(page.Now)
	}
	next := domain.UserID{}
	if page.More {
		next = views[len(views)-1].ID
	}
	return ports.UserPage{Users: views, Next: next}, nil
}

// ChangeUser implements [ports.Accounts].
func (f *Farm) ChangeUser(ctx context.Context, id domain.UserID, change domain.Change) (domain.View, error) {
	return f.updateUser(ctx, id, func(now time.Time, user *domain.User) error { return user.Change(now, change) })
}

// RemoveUser implements [ports.Accounts].
func (f *Farm) RemoveUser(ctx context.Context, id domain.UserID, reason string) error {
	return f.remove(ctx, id, func(now time.Time, users []*domain.User) error {
		return users[0].Remove(now, reason)
	})
}

// AllAccounts implements [ports.Accounts].
func (f *Farm) AllAccounts(ctx context.Context) iter.Seq2[domain.Account, error] {
	return func(yield func(domain.Account, error) bool) {
		q := ports.Query{Scope: f.caller.Scope, Secrets: true, Limit: accountsAtOnce}
		for more := true; more; {
			page, err := f.store.List(ctx, q)
			if err != nil {
				yield(domain.Account{}, err)
				return
			}
			for _, u := range page.Users {
				if !yield(u.Account(page.Now), nil) {
					return
				}
				q.After = u.ID()
			}
			more = page.More
		}
	}
}

// updateUser changes one user and returns its new state.
func (f *Farm) updateUser(
	ctx context.Context, id domain.UserID, change func(now time.Time, user *domain.User) error,
) (domain.View, error) {
	var view domain.View
	err := f.update(ctx, ports.ByUser(id), func(now time.Time, users []*domain.User) error {
		if err := change(now, users[0]); err != nil {
			return err
		}
		view = users[0].View(now)
		return nil
	})
	return view, err
}
