package client

import (
	"context"
	"io"
	"net/http"

	"github.com/userfarm/userfarm/adapters/client/internal/api"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// CreateKey implements [ports.Keys]. It is not repeated if its answer is lost, because the token is lost with it, and there would be
// another key that nobody can use.
func (c *Client) CreateKey(ctx context.Context, spec domain.KeySpec) (domain.KeyView, domain.Token, error) {
	of := call{operation: "create API key", once: true}
	// Without projects, the body would ask for a key of all projects.
	if err := domain.CheckKeySpec(spec); err != nil {
		return domain.KeyView{}, domain.Token{}, &Error{Operation: of.operation, Reason: err}
	}
	body := api.NewKey{Name: spec.Name, Role: api.Role(spec.Role), ExpiresInSeconds: given(seconds(spec.TTL)), Reason: spec.Reason}
	if spec.Scope.Limited {
		body.Projects = spec.Scope.Names()
	}
	created, err := ask[api.CreatedKey](ctx, c, of, withBody(body, func(
		ctx context.Context, contentType string, body io.Reader,
	) (*http.Response, error) {
		return c.api.CreateKeyWithBody(ctx, contentType, body)
	}))
	if err != nil {
		return domain.KeyView{}, domain.Token{}, err
	}
	token, err := domain.ParseToken(created.Token)
	if err != nil {
		return domain.KeyView{}, domain.Token{}, unreadable(of)
	}
	var v views
	key := v.key(api.Key{
		KeyID: created.KeyID, Name: created.Name, Role: created.Role, Projects: created.Projects, Status: created.Status,
		CreatedAt: created.CreatedAt, CreatedBy: created.CreatedBy, ExpiresAt: created.ExpiresAt, RevokedAt: created.RevokedAt,
		RevokedBy: created.RevokedBy, LastUsedAt: created.LastUsedAt,
	})
	key.Digest = token.Digest()
	return key, token, v.check(of)
}

// Key implements [ports.Keys]. The key has no digest.
func (c *Client) Key(ctx context.Context, id domain.APIKeyID) (domain.KeyView, error) {
	return c.readKey(ctx, aboutKey("read API key", id), func(ctx context.Context) (*http.Response, error) {
		return c.api.ReadKey(ctx, id.String())
	})
}

// RevokeKey implements [ports.Keys]. The key has no digest.
func (c *Client) RevokeKey(ctx context.Context, id domain.APIKeyID, reason string) (domain.KeyView, error) {
	body := api.ReasonRequest{Reason: reason}
	return c.readKey(ctx, aboutKey("revoke API key", id), withBody(body, func(
		ctx context.Context, contentType string, body io.Reader,
	) (*http.Response, error) {
		return c.api.RevokeKeyWithBody(ctx, id.String(), contentType, body)
	}))
}

func (c *Client) readKey(ctx context.Context, of call, send request) (domain.KeyView, error) {
	answered, err := ask[api.Key](ctx, c, of, send)
	if err != nil {
		return domain.KeyView{}, err
	}
	var v views
	key := v.key(answered)
	return key, v.check(of)
}

// Keys implements [ports.Keys]. The keys have no digests. It returns 1,000 keys at most.
func (c *Client) Keys(ctx context.Context, q ports.KeyQuery) (ports.KeyPage, error) {
	of := call{operation: "list API keys"}
	params := api.ListKeysParams{Limit: limitOf(q.Limit), Cursor: cursorAfter(q.After)}
	answered, err := ask[api.KeyPage](ctx, c, of, func(ctx context.Context) (*http.Response, error) {
		return c.api.ListKeys(ctx, &params)
	})
	if err != nil {
		return ports.KeyPage{}, err
	}
	var v views
	page := ports.KeyPage{Keys: make([]domain.KeyView, len(answered.Keys)), Next: afterCursor[domain.APIKeyID](&v, answered.NextCursor)}
	for i, key := range answered.Keys {
		page.Keys[i] = v.key(key)
	}
	return page, v.check(of)
}
