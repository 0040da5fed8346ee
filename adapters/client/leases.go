package client

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/userfarm/userfarm/adapters/client/internal/api"
	"github.com/userfarm/userfarm/domain"
)

// Lease implements [ports.Leases].
func (c *Client) Lease(ctx context.Context, id domain.LeaseID) (domain.Lease, error) {
	return c.readLease(ctx, aboutLease("read lease", id), func(ctx context.Context) (*http.Response, error) {
		return c.api.ReadLease(ctx, id.Reveal())
	})
}

// Renew implements [ports.Leases].
func (c *Client) Renew(ctx context.Context, id domain.LeaseID, ttl time.Duration) (domain.Lease, error) {
	body := api.RenewRequest{TTLSeconds: given(seconds(ttl))}
	return c.readLease(ctx, aboutLease("renew", id), withBody(body, func(
		ctx context.Context, contentType string, body io.Reader,
	) (*http.Response, error) {
		return c.api.RenewLeaseWithBody(ctx, id.Reveal(), contentType, body)
	}))
}

func (c *Client) readLease(ctx context.Context, of call, send request) (domain.Lease, error) {
	answered, err := ask[api.Lease](ctx, c, of, send)
	if err != nil {
		return domain.Lease{}, err
	}
	var v views
	lease := v.lease(answered)
	return lease, v.check(of)
}

// OneTimeCode implements [ports.Leases]. If the answer with a code is lost, the code is lost with it, and the call gets the next one.
func (c *Client) OneTimeCode(
	ctx context.Context, id domain.LeaseID, user domain.UserID, terms domain.CodeTerms,
) (domain.OneTimeCode, error) {
	of := aboutHeld("get a one-time code", id, user)
	of.wait = min(max(terms.Wait, 0), domain.MaxWait)
	body := api.CodeRequest{WaitSeconds: seconds(terms.Wait), MinRemainingSeconds: given(seconds(terms.MinRemaining))}
	code, err := ask[api.OneTimeCode](ctx, c, of, withBody(body, func(
		ctx context.Context, contentType string, body io.Reader,
	) (*http.Response, error) {
		return c.api.GiveCodeWithBody(ctx, id.Reveal(), user.String(), contentType, body)
	}))
	if err != nil {
		return domain.OneTimeCode{}, err
	}
	return domain.OneTimeCode{
		Code: domain.NewSecret(code.Code), ExpiresAt: code.ExpiresAt, Remaining: time.Duration(code.RemainingSeconds) * time.Second,
	}, nil
}

// Release implements [ports.Leases].
func (c *Client) Release(ctx context.Context, id domain.LeaseID, faults ...domain.Fault) error {
	body := api.ReleaseRequest{Quarantine: make([]api.Fault, len(faults))}
	for i, fault := range faults {
		body.Quarantine[i] = api.Fault{UserID: fault.UserID.String(), Reason: fault.Reason}
	}
	got, err := c.do(ctx, aboutLease("release", id), withBody(body, func(
		ctx context.Context, contentType string, body io.Reader,
	) (*http.Response, error) {
		return c.api.ReleaseLeaseWithBody(ctx, id.Reveal(), contentType, body)
	}))
	if got.doubtful && isReleased(err) {
		return nil // by an earlier attempt, whose answer was lost
	}
	return err
}

// isReleased reports whether an error says that the lease was released, and that all faults are kept.
func isReleased(err error) bool {
	ended, ok := errors.AsType[*domain.EndedLeaseError](err)
	return ok && ended.End == domain.LeaseReleased &&
		!slices.ContainsFunc(ended.Faults, func(f domain.LateFault) bool { return !f.Kept })
}
