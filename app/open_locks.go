package app

import (
	"context"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// LockOpen implements [ports.OpenLocks].
func (f *Farm) LockOpen(ctx context.Context, id domain.UserID) (time.Time, error) {
	var from time.Time
	err := f.update(ctx, ports.ByUser(id), func(now time.Time, users []*domain.User) error {
		from = now
		return users[0].LockOpen(now, f.settings.OpenLockTTL)
	})
	return from, err
}

// ReleaseOpen implements [ports.OpenLocks].
func (f *Farm) ReleaseOpen(ctx context.Context, id domain.UserID) error {
	return f.update(ctx, ports.ByUser(id), func(now time.Time, users []*domain.User) error {
		return users[0].ReleaseOpen(now)
	})
}
