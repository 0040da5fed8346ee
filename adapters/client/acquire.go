package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/userfarm/userfarm/adapters/client/internal/api"
	"github.com/userfarm/userfarm/domain"
)

// Acquire implements [ports.Leases]. terms.Wait may be longer than [domain.MaxWait]. The client then asks again with the same
// idempotency key, so that the acquire keeps its place in line. Times in terms are rounded up to seconds.
//
// If ctx ends while the acquire waits, the farm may still grant the lease, for its time to live. Another call with the same key
// gets that lease. With the zero key, the client uses a random one.
//
// Selectors can't be limited to a scope here: the farm limits them to the scope of the API key.
func (c *Client) Acquire(
	ctx context.Context, want []domain.Selector, terms domain.Terms, key domain.IdempotencyKey,
) (domain.Lease, error) {
	key, err := keyOf(key)
	if err != nil {
		return domain.Lease{}, &Error{Operation: "acquire", Reason: err}
	}
	a := acquire{client: c, want: want, terms: terms, key: key, deadline: time.Now().Add(terms.Wait)}
	for {
		asked := time.Now()
		lease, err := a.ask(ctx)
		if err == nil || !domain.MayPass(err) || ctx.Err() != nil {
			return lease, err
		}
		// The farm kept the acquire in line for as long as it could, so a pause would only let others pass. But if it answered
		// earlier, it would do so again.
		var pause time.Duration
		if time.Since(asked) < a.waited-time.Second {
			pause = max(retryAfterOf(err), time.Second)
		}
		if time.Until(a.deadline) <= pause {
			return domain.Lease{}, err
		}
		if !sleep(ctx, pause) {
			return domain.Lease{}, &endedError{operation: "acquire", ended: ctx.Err(), last: err}
		}
	}
}

// acquire is an acquire that asks the farm several times.
type acquire struct {
	client   *Client
	want     []domain.Selector
	terms    domain.Terms
	key      domain.IdempotencyKey
	deadline time.Time     // of the wait
	waited   time.Duration // that the farm was asked to wait
}

// ask asks the farm once, and again after a failure that may pass.
func (a *acquire) ask(ctx context.Context) (domain.Lease, error) {
	of := call{operation: "acquire", wait: domain.MaxWait, want: a.want}
	params := api.AcquireLeaseParams{IdempotencyKey: new(a.key.Reveal())}
	return a.client.readLease(ctx, of, func(ctx context.Context) (*http.Response, error) {
		a.waited = a.wait(ctx)
		body, err := acquireBody(a.want, a.terms, a.waited)
		if err != nil {
			return nil, err
		}
		return withBody(body, func(ctx context.Context, contentType string, body io.Reader) (*http.Response, error) {
			return a.client.api.AcquireLeaseWithBody(ctx, &params, contentType, body)
		})(ctx)
	})
}

// wait returns how long the farm is to wait: until the deadline, and not after the end of ctx. The farm can't see that the client
// has gone, and would grant a lease to nobody.
func (a *acquire) wait(ctx context.Context) time.Duration {
	if a.terms.Wait <= 0 {
		return a.terms.Wait
	}
	wait := min(max(time.Until(a.deadline), 0), domain.MaxWait)
	if ends, ok := ctx.Deadline(); ok && wait > 0 {
		wait = min(wait, max(time.Until(ends).Truncate(time.Second), time.Second))
	}
	return wait
}

func acquireBody(want []domain.Selector, terms domain.Terms, wait time.Duration) (body api.AcquireRequest, err error) {
	body = api.AcquireRequest{
		Users: make([]api.Selector, len(want)), Owner: terms.Owner, Note: terms.Note,
		TTLSeconds: given(seconds(terms.TTL)), WaitSeconds: seconds(wait),
	}
	for i, s := range want {
		if s.Scope().Limited {
			return body, domain.Invalid(fmt.Sprintf("/users/%d", i), "must not be limited to a scope: use an API key of these projects")
		}
		body.Users[i] = api.Selector{
			ProjectID: givenID(s.ProjectID), Env: given(s.Env), Domain: given(s.Domain), Labels: api.Labels(s.Labels),
			UserID: givenID(s.UserID),
		}
	}
	return body, nil
}

// keyOf returns the key that a call sends: the caller's, or a random one, so that every call can be repeated. It returns an
// [domain.InvalidError] for a key that no header can have.
func keyOf(key domain.IdempotencyKey) (domain.IdempotencyKey, error) {
	if key.IsZero() {
		return domain.NewIdempotencyKey(rand.Text())
	}
	return domain.NewIdempotencyKey(key.Reveal())
}

// retryAfterOf returns how long the farm asks to wait.
func retryAfterOf(err error) time.Duration {
	if answered, ok := errors.AsType[*Error](err); ok {
		return answered.RetryAfter
	}
	return 0
}
