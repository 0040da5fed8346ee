package client

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"net/http"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/userfarm/userfarm/adapters/client/internal/api"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// AllAccounts implements [ports.Accounts]. The farm has no route for it, so the client joins two lists that are in the same order: the
// users with their passwords from /get_users, and the rest about them from /v1/users. A user that is created or removed meanwhile
// may be missing. If a list breaks off, the error is an [ports.ErrUnavailable].
func (c *Client) AllAccounts(ctx context.Context) iter.Seq2[domain.Account, error] {
	return func(yield func(domain.Account, error) bool) {
		next, stop := iter.Pull2(c.allUsers(ctx))
		defer stop()
		var user domain.View
		for named, err := range c.passwords(ctx) {
			for err == nil && bytes.Compare(user.ID[:], named.id[:]) < 0 {
				var more bool
				if user, err, more = next(); !more {
					return
				}
			}
			if err != nil {
				yield(domain.Account{}, err)
				return
			}
			if user.ID == named.id && !yield(domain.Account{View: user, Password: named.password}, nil) {
				return
			}
		}
	}
}

// allUsers yields all users, page by page.
func (c *Client) allUsers(ctx context.Context) iter.Seq2[domain.View, error] {
	return func(yield func(domain.View, error) bool) {
		for q := (ports.Query{Limit: maxPage}); ; {
			page, err := c.Users(ctx, q)
			if err != nil {
				yield(domain.View{}, err)
				return
			}
			for _, user := range page.Users {
				if !yield(user, nil) {
					return
				}
			}
			if q.After = page.Next; q.After.IsZero() {
				return
			}
		}
	}
}

// namedPassword is the password of a user.
type namedPassword struct {
	id       domain.UserID
	password domain.Secret
}

// passwords yields the passwords of all users, as they arrive.
func (c *Client) passwords(ctx context.Context) iter.Seq2[namedPassword, error] {
	return func(yield func(namedPassword, error) bool) {
		of := call{operation: "list accounts", stream: true}
		got, err := c.do(ctx, of, func(ctx context.Context) (*http.Response, error) { return c.api.LegacyGetUsers(ctx) })
		if err != nil {
			yield(namedPassword{}, err)
			return
		}
		defer func() { _ = got.stream.Close() }()
		users := jsontext.NewDecoder(got.stream)
		if _, err := users.ReadToken(); err != nil {
			yield(namedPassword{}, brokeOff(ctx, of))
			return
		}
		for users.PeekKind() != jsontext.KindEndArray {
			var user api.LegacyUser
			if err := json.UnmarshalDecode(users, &user); err != nil {
				yield(namedPassword{}, brokeOff(ctx, of))
				return
			}
			var v views
			named := namedPassword{id: id[domain.UserID](&v, user.UserID), password: domain.NewSecret(user.Password)}
			if !yield(named, v.check(of)) {
				return
			}
		}
	}
}

// brokeOff returns the error of a stream that ended too early. The error of the decoder may quote a password, so it is left out.
func brokeOff(ctx context.Context, of call) error {
	if err := ctx.Err(); err != nil {
		return &endedError{operation: of.operation, ended: err}
	}
	return &Error{Operation: of.operation, Reason: &unreachableError{fmt.Errorf("the answer broke off: %w", io.ErrUnexpectedEOF)}}
}
