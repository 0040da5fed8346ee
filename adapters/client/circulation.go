package client

import (
	"context"
	"io"
	"math"
	"net/http"

	"github.com/userfarm/userfarm/adapters/client/internal/api"
	"github.com/userfarm/userfarm/domain"
)

// Quarantine implements [ports.Circulation].
func (c *Client) Quarantine(ctx context.Context, id domain.UserID, reason string) (domain.View, error) {
	body := api.QuarantineRequest{Reason: reason}
	return c.readUser(ctx, aboutUser("quarantine user", id), withBody(body, func(
		ctx context.Context, contentType string, body io.Reader,
	) (*http.Response, error) {
		return c.api.QuarantineUserWithBody(ctx, id.String(), contentType, body)
	}))
}

// Restore implements [ports.Circulation].
func (c *Client) Restore(ctx context.Context, id domain.UserID, reason string) (domain.View, error) {
	body := api.ReasonRequest{Reason: reason}
	return c.readUser(ctx, aboutUser("restore user", id), withBody(body, func(
		ctx context.Context, contentType string, body io.Reader,
	) (*http.Response, error) {
		return c.api.RestoreUserWithBody(ctx, id.String(), contentType, body)
	}))
}

// ForceRelease implements [ports.Circulation]. Without a fence it is not repeated if its answer is lost, because it could then end the
// lock of the next holder.
func (c *Client) ForceRelease(ctx context.Context, id domain.UserID, fence uint64, reason string) (domain.View, error) {
	of := aboutUser("force-release user", id)
	of.once = fence == 0
	if fence > math.MaxInt64 { // the farm does not count so far
		of.missing = domain.ErrFenceMismatch
	}
	body := api.ForceReleaseRequest{Reason: reason, Fence: given(int64(fence))} //nolint:gosec // see above
	return c.readUser(ctx, of, withBody(body, func(
		ctx context.Context, contentType string, body io.Reader,
	) (*http.Response, error) {
		return c.api.ForceReleaseUserWithBody(ctx, id.String(), contentType, body)
	}))
}
