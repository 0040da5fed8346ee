package client

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/userfarm/userfarm/adapters/client/internal/api"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// CreateUser implements [ports.Accounts]. With the zero key, the client uses a random one.
func (c *Client) CreateUser(ctx context.Context, spec domain.Spec, key domain.IdempotencyKey) (domain.View, error) {
	of := call{operation: "create user"}
	key, err := keyOf(key)
	if err != nil {
		return domain.View{}, &Error{Operation: of.operation, Reason: err}
	}
	body := api.NewUser{
		Login: spec.Login, Password: spec.Password.Reveal(), ProjectID: spec.Pool.ProjectID.String(), Env: spec.Pool.Env,
		Domain: spec.Pool.Domain, Labels: api.Labels(spec.Labels), TOTPSecret: given(spec.TOTP.URI().Reveal()), Reason: spec.Reason,
	}
	params := api.CreateUserParams{IdempotencyKey: new(key.Reveal())}
	return c.readUser(ctx, of, withBody(body, func(
		ctx context.Context, contentType string, body io.Reader,
	) (*http.Response, error) {
		return c.api.CreateUserWithBody(ctx, &params, contentType, body)
	}))
}

// User implements [ports.Accounts].
func (c *Client) User(ctx context.Context, id domain.UserID) (domain.View, error) {
	return c.readUser(ctx, aboutUser("read user", id), func(ctx context.Context) (*http.Response, error) {
		return c.api.ReadUser(ctx, id.String())
	})
}

func (c *Client) readUser(ctx context.Context, of call, send request) (domain.View, error) {
	answered, err := ask[api.User](ctx, c, of, send)
	if err != nil {
		return domain.View{}, err
	}
	var v views
	user := v.user(answered)
	return user, v.check(of)
}

// Users implements [ports.Accounts]. The farm lists users of the scope of the API key, and at most 1,000 on a page, whatever q says.
func (c *Client) Users(ctx context.Context, q ports.Query) (ports.UserPage, error) {
	of := call{operation: "list users"}
	labels, err := labelFilter(q.Labels)
	if err != nil {
		return ports.UserPage{}, &Error{Operation: of.operation, Reason: err}
	}
	params := api.ListUsersParams{
		ProjectID: givenID(q.ProjectID), Env: given(q.Env), Domain: given(q.Domain), Login: given(q.Login),
		Status: given(api.Status(q.Status)), Label: labels, Owner: given(q.Owner), Limit: limitOf(q.Limit), Cursor: cursorAfter(q.After),
	}
	if q.NewestFirst {
		params.Order = new(api.ListUsersParamsOrderDesc)
	}
	answered, err := ask[api.UserPage](ctx, c, of, func(ctx context.Context) (*http.Response, error) {
		return c.api.ListUsers(ctx, &params)
	})
	if err != nil {
		return ports.UserPage{}, err
	}
	var v views
	page := ports.UserPage{Users: make([]domain.View, len(answered.Users)), Next: afterCursor[domain.UserID](&v, answered.NextCursor)}
	for i, user := range answered.Users {
		page.Users[i] = v.user(user)
	}
	return page, v.check(of)
}

// labelFilter returns labels as a query has them. A key with a colon would be read as another one.
func labelFilter(labels domain.Labels) ([]string, error) {
	var filter []string
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		if key == "" || strings.Contains(key, ":") {
			return nil, domain.Invalid("/label", "must be a key and a value with a colon between them")
		}
		filter = append(filter, key+":"+labels[key])
	}
	return filter, nil
}

// ChangeUser implements [ports.Accounts].
func (c *Client) ChangeUser(ctx context.Context, id domain.UserID, change domain.Change) (domain.View, error) {
	body := api.UserChange{Labels: (*api.Labels)(change.Labels), Reason: change.Reason}
	if body.Labels != nil && *body.Labels == nil {
		body.Labels = &api.Labels{}
	}
	if change.Password != nil {
		body.Password = new(change.Password.Reveal())
	}
	if change.TOTP != nil {
		body.TOTPSecret = new(change.TOTP.URI().Reveal())
	}
	return c.readUser(ctx, aboutUser("change user", id), withBody(body, func(
		ctx context.Context, contentType string, body io.Reader,
	) (*http.Response, error) {
		return c.api.ChangeUserWithBody(ctx, id.String(), contentType, body)
	}))
}

// RemoveUser implements [ports.Accounts].
func (c *Client) RemoveUser(ctx context.Context, id domain.UserID, reason string) error {
	params := api.RemoveUserParams{Reason: given(reason)}
	got, err := c.do(ctx, aboutUser("remove user", id), func(ctx context.Context) (*http.Response, error) {
		return c.api.RemoveUser(ctx, id.String(), &params)
	})
	if got.doubtful && errors.Is(err, domain.ErrUserNotFound) {
		return nil // removed by an earlier attempt, whose answer was lost
	}
	return err
}
