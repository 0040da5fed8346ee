package client

import (
	"context"
	"io"
	"math"
	"net/http"
	"time"

	"github.com/userfarm/userfarm/adapters/client/internal/api"
	"github.com/userfarm/userfarm/domain"
)

// lockErrors are the errors that the legacy routes answer with a status of their own.
var lockErrors = map[api.LegacyLockStatus]error{
	api.LegacyLockStatusAlreadyLocked: domain.ErrUserLocked,
	api.LegacyLockStatusQuarantined:   domain.ErrUserQuarantined,
	api.LegacyLockStatusAlreadyFree:   domain.ErrUserFree,
	api.LegacyLockStatusHeldByLease:   domain.ErrHeldByLease,
	api.LegacyLockStatusUserNotFound:  domain.ErrUserNotFound,
}

// LockOpen implements [ports.OpenLocks]. It is not repeated if its answer is lost, because a caller that holds the lock by then
// can't be told from one that does not.
func (c *Client) LockOpen(ctx context.Context, id domain.UserID) (time.Time, error) {
	lock, err := c.legacyLock(ctx, "lock", id, c.api.LegacyAcquireLockWithBody)
	if err != nil || lock.Locktime == nil {
		return time.Time{}, err
	}
	return time.UnixMicro(int64(math.Round(*lock.Locktime * 1e6))).UTC(), nil
}

// ReleaseOpen implements [ports.OpenLocks]. It is not repeated if its answer is lost, because it could then end the lock of the next
// caller.
func (c *Client) ReleaseOpen(ctx context.Context, id domain.UserID) error {
	_, err := c.legacyLock(ctx, "release the lock", id, c.api.LegacyReleaseLockWithBody)
	return err
}

func (c *Client) legacyLock(ctx context.Context, operation string, id domain.UserID, send func(
	ctx context.Context, contentType string, body io.Reader, editors ...api.RequestEditorFn,
) (*http.Response, error)) (api.LegacyLock, error) {
	of := aboutUser(operation, id)
	of.legacy, of.once = true, true
	lock, err := ask[api.LegacyLock](ctx, c, of, withBody(api.LegacyUserID{UserID: id.String()}, func(
		ctx context.Context, contentType string, body io.Reader,
	) (*http.Response, error) {
		return send(ctx, contentType, body)
	}))
	switch {
	case err != nil:
		return lock, err
	case lock.Status == api.LegacyLockStatusDone:
		return lock, nil
	case lockErrors[lock.Status] != nil:
		return lock, &Error{Operation: operation, Reason: lockErrors[lock.Status]}
	default:
		return lock, unreadable(of)
	}
}
