package client

import (
	"context"
	"io"
	"net/http"

	"github.com/userfarm/userfarm/adapters/client/internal/api"
	"github.com/userfarm/userfarm/domain"
)

// Session implements [ports.Sessions].
func (c *Client) Session(ctx context.Context, id domain.LeaseID, user domain.UserID) (domain.Session, error) {
	saved, err := ask[api.Session](ctx, c, aboutHeld("read session", id, user), func(ctx context.Context) (*http.Response, error) {
		return c.api.ReadSession(ctx, id.Reveal(), user.String())
	})
	if err != nil {
		return domain.Session{}, err
	}
	return domain.Session{
		Text: domain.NewSecret(saved.Session), SavedAt: saved.SavedAt, ExpiresAt: timeOf(saved.ExpiresAt),
	}, nil
}

// SaveSession implements [ports.Sessions].
func (c *Client) SaveSession(
	ctx context.Context, id domain.LeaseID, user domain.UserID, s domain.NewSession,
) (domain.Session, error) {
	body := api.NewSession{Session: s.Text.Reveal(), ExpiresInSeconds: given(seconds(s.ExpiresIn))}
	saved, err := ask[api.SavedSession](ctx, c, aboutHeld("save session", id, user), withBody(body, func(
		ctx context.Context, contentType string, body io.Reader,
	) (*http.Response, error) {
		return c.api.SaveSessionWithBody(ctx, id.Reveal(), user.String(), contentType, body)
	}))
	if err != nil {
		return domain.Session{}, err
	}
	return domain.Session{Text: s.Text, SavedAt: saved.SavedAt, ExpiresAt: timeOf(saved.ExpiresAt)}, nil
}

// DropSession implements [ports.Sessions].
func (c *Client) DropSession(ctx context.Context, id domain.LeaseID, user domain.UserID) error {
	_, err := c.do(ctx, aboutHeld("drop session", id, user), func(ctx context.Context) (*http.Response, error) {
		return c.api.DropSession(ctx, id.Reveal(), user.String())
	})
	return err
}

// aboutHeld returns the call of an operation on a user of a lease.
func aboutHeld(operation string, id domain.LeaseID, user domain.UserID) call {
	of := aboutLease(operation, id)
	if user.IsZero() {
		of.missing = domain.ErrUserNotFound
	}
	return of
}
