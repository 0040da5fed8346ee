package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// asCaller lets decide decide what the caller makes happen, unless one of the users is out of the caller's scope: then it
// is refused with absent, and nothing was done.
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

// absence returns what says that a target is not there.
func absence(target ports.Target) error {
	if _, leased := target.Lease(); leased {
		return domain.ErrLeaseNotFound
	}
	return domain.ErrUserNotFound
}

// conceal returns the error of a store's method as the caller may know it. What never was and what is out of scope are
// the same error, to the letter: not even its text tells which of the two it is.
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

// checkProject returns a [domain.ForbiddenError] about /project_id if that names a project out of the caller's scope, be
// there users of it or not.
func (f *Farm) checkProject(project domain.ProjectID) error {
	if f.mayName(project) {
		return nil
	}
	return foreign("/project_id")
}

// checkProjects is checkProject for all that selectors name.
func (f *Farm) checkProjects(want []domain.Selector) error {
	var pointers []string
	for i, s := range want {
		if !f.mayName(s.ProjectID) {
			pointers = append(pointers, fmt.Sprintf("/users/%d/project_id", i))
		}
	}
	if len(pointers) == 0 {
		return nil
	}
	return foreign(pointers...)
}

func (f *Farm) mayName(project domain.ProjectID) bool {
	return project.IsZero() || f.caller.Scope.Has(project)
}

// foreign returns the error about projects that are out of the caller's scope.
func foreign(pointers ...string) error {
	fields := make([]domain.FieldError, len(pointers))
	for i, at := range pointers {
		fields[i] = domain.FieldError{Pointer: at, Detail: "must be a project of the API key"}
	}
	return &domain.ForbiddenError{Fields: fields}
}

// narrow limits the selectors to the caller's scope. If that is one project, a selector names it instead, as the selectors
// of other callers do: a store finds its users sooner.
func (f *Farm) narrow(want []domain.Selector) []domain.Selector {
	scope := f.caller.Scope
	narrowed := make([]domain.Selector, len(want))
	for i, s := range want {
		switch {
		case !s.ProjectID.IsZero(): // it is in the scope, see checkProjects
		case s.UserID.IsZero() && scope.Limited && len(scope.Projects) == 1:
			s.ProjectID = scope.Projects[0]
		default:
			s = s.In(scope)
		}
		narrowed[i] = s
	}
	return narrowed
}
