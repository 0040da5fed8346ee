package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// asCaller returns a function that lets decide change the users, in the name of the caller. If one of the users is outside
// of the caller's scope, it returns absent instead.
func (f *Farm) asCaller(absent error, decide ports.Decide) ports.Decide {
	return func(now time.Time, users []*domain.User) error {
		if !f.caller.Scope.CoversUsers(users) {
			return absent
		}
		for _, u := range users {
			u.ActBy(f.caller.Key)
		}
		return decide(now, users)
	}
}

// find is [ports.Users.Find] for the caller.
func (f *Farm) find(ctx context.Context, target ports.Target) ([]*domain.User, time.Time, error) {
	users, now, err := f.store.Find(ctx, target)
	if err != nil {
		return nil, time.Time{}, f.conceal(target, err)
	}
	if !f.caller.Scope.CoversUsers(users) {
		return nil, time.Time{}, absence(target)
	}
	return users, now, nil
}

// update is [ports.Users.Update] for the caller.
func (f *Farm) update(ctx context.Context, target ports.Target, decide ports.Decide) error {
	_, err := f.store.Update(ctx, target, f.asCaller(absence(target), decide))
	return f.conceal(target, err)
}

// remove is [ports.Users.Remove] for the caller.
func (f *Farm) remove(ctx context.Context, id domain.UserID, decide ports.Decide) error {
	target := ports.ByUser(id)
	return f.conceal(target, f.store.Remove(ctx, id, f.asCaller(absence(target), decide)))
}

// absence returns the error for a target that does not exist.
func absence(target ports.Target) error {
	if _, leased := target.Lease(); leased {
		return domain.ErrLeaseNotFound
	}
	return domain.ErrUserNotFound
}

// conceal returns the error of a store's method as the caller may see it. For a target that does not exist and for one
// outside of the caller's scope it returns exactly the same error, so that the caller can't tell them apart.
func (f *Farm) conceal(target ports.Target, err error) error {
	absent := absence(target)
	ended, over := errors.AsType[*domain.EndedLeaseError](err)
	unreadable, there := errors.AsType[*ports.UnreadableError](err)
	if errors.Is(err, absent) || over && !f.caller.Scope.Covers(ended.Scope) ||
		there && !f.caller.Scope.Has(unreadable.ProjectID) {
		return absent
	}
	return err
}

// checkProject returns a [domain.ForbiddenError] about /project_id if that project is not zero and is outside of the
// caller's scope, whether or not the project has users.
func (f *Farm) checkProject(project domain.ProjectID) error {
	if project.IsZero() || f.caller.Scope.Has(project) {
		return nil
	}
	return foreign("/project_id")
}

// narrow limits the selectors to the caller's scope. If the scope is one project, a selector names that project instead,
// like the selectors of callers without a limit: a store finds its users sooner. It returns a [domain.ForbiddenError] about
// the projects that selectors name and that are outside of the scope.
func (f *Farm) narrow(want []domain.Selector) ([]domain.Selector, error) {
	scope := f.caller.Scope
	narrowed := make([]domain.Selector, len(want))
	var outside []string
	for i, s := range want {
		switch {
		case !s.ProjectID.IsZero():
			if !scope.Has(s.ProjectID) {
				outside = append(outside, fmt.Sprintf("/users/%d/project_id", i))
			}
		case s.UserID.IsZero() && scope.Limited && len(scope.Projects) == 1:
			s.ProjectID = scope.Projects[0]
		default:
			s = s.In(scope)
		}
		narrowed[i] = s
	}
	if len(outside) > 0 {
		return nil, foreign(outside...)
	}
	return narrowed, nil
}

// foreign returns the error about fields that name projects outside of the caller's scope.
func foreign(pointers ...string) error {
	fields := make([]domain.FieldError, len(pointers))
	for i, at := range pointers {
		fields[i] = domain.FieldError{Pointer: at, Detail: projectRule}
	}
	return &domain.ForbiddenError{Fields: fields}
}
