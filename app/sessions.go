package app

import (
	"context"
	"errors"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// Session implements [ports.Sessions].
func (f *Farm) Session(ctx context.Context, id domain.LeaseID, user domain.UserID) (domain.Session, error) {
	for before := (time.Time{}); ; {
		users, now, err := f.find(ctx, ports.ByLease(id.Digest()))
		if err != nil {
			return domain.Session{}, err
		}
		saved, err := domain.ReadSession(now, id, users, user)
		if err != nil {
			return domain.Session{}, err
		}
		saved.Text, err = f.store.SessionText(ctx, user, saved.SavedAt)
		if !errors.Is(err, domain.ErrSessionNotFound) || saved.SavedAt.Equal(before) {
			return saved, err
		}
		before = saved.SavedAt // it may have been replaced since it was found; then there is another one now
	}
}

// SaveSession implements [ports.Sessions].
func (f *Farm) SaveSession(
	ctx context.Context, id domain.LeaseID, user domain.UserID, s domain.NewSession,
) (saved domain.Session, err error) {
	if err := domain.CheckSession(s); err != nil {
		return domain.Session{}, err
	}
	err = f.update(ctx, ports.ByLease(id.Digest()), func(now time.Time, users []*domain.User) (err error) {
		saved, err = domain.SaveSession(now, id, users, user, s)
		return err
	})
	if err != nil {
		return domain.Session{}, err
	}
	return saved, nil
}

// DropSession implements [ports.Sessions].
func (f *Farm) DropSession(ctx context.Context, id domain.LeaseID, user domain.UserID) error {
	return f.update(ctx, ports.ByLease(id.Digest()), func(now time.Time, users []*domain.User) error {
		return domain.DropSession(now, id, users, user)
	})
}
