package client

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/userfarm/userfarm/adapters/client/internal/api"
	"github.com/userfarm/userfarm/domain"
)

const (
	// answerTimeout is how long the client waits for an answer in addition to the time that the farm may wait. The farm answers
	// most requests within ten seconds, so after this time the connection must be broken.
	answerTimeout = 30 * time.Second

	// maxAnswer is more than any answer has that is not a stream.
	maxAnswer = 64 << 20

	problemType = "application/problem+json"
	jsonType    = "application/json"
)

// call describes a call for its retries and errors.
type call struct {
	operation string
	wait      time.Duration // how long the farm may wait before it answers

	// once says that the call must not be carried out twice. It is repeated only if the farm has certainly not carried it out.
	once bool

	legacy bool // a legacy route, whose refusals are not problems
	stream bool // the body of the answer is read as it arrives

	want  []domain.Selector // of an acquire
	lease domain.LeaseID    // that the call is about

	// missing is the error of a call about the zero id, which nothing has. The farm would reject its path as invalid.
	missing error
}

// aboutLease returns the call of an operation on a lease.
func aboutLease(operation string, id domain.LeaseID) call {
	of := call{operation: operation, lease: id}
	if id == (domain.LeaseID{}) {
		of.missing = domain.ErrLeaseNotFound
	}
	return of
}

// aboutUser returns the call of an operation on a user.
func aboutUser(operation string, id domain.UserID) call {
	of := call{operation: operation}
	if id.IsZero() {
		of.missing = domain.ErrUserNotFound
	}
	return of
}

// aboutKey returns the call of an operation on an API key.
func aboutKey(operation string, id domain.APIKeyID) call {
	of := call{operation: operation}
	if id.IsZero() {
		of.missing = domain.ErrKeyNotFound
	}
	return of
}

// request sends a request.
type request func(ctx context.Context) (*http.Response, error)

// answer is what the farm answered.
type answer struct {
	body   []byte
	stream *stream // of a call for a stream, instead of the body

	// doubtful says that an earlier attempt may have been carried out, although its answer was lost.
	doubtful bool
}

// read decodes the body of an answer.
func read[T any](got answer, of call) (value T, err error) {
	if err := json.Unmarshal(got.body, &value); err != nil {
		return value, unreadable(of)
	}
	return value, nil
}

// unreadable returns the error of an answer that is not one of a farm. The error of the decoder may quote the answer, so it is left
// out.
func unreadable(of call) error {
	return &Error{Operation: of.operation, Reason: errUnreadable}
}

var errUnreadable = errors.New("the answer is not that of a farm")

// ask sends a request until it is answered, and returns the answer.
func ask[T any](ctx context.Context, c *Client, of call, send request) (value T, err error) {
	got, err := c.do(ctx, of, send)
	if err != nil {
		return value, err
	}
	return read[T](got, of)
}

// failure is an attempt that failed.
type failure struct {
	err   error
	retry bool          // it may succeed later
	doubt bool          // the farm may have carried out the request
	after time.Duration // that the farm asks to wait before a retry
}

// attempt sends a request once.
func (c *Client) attempt(ctx context.Context, of call, send request) (answer, *failure) {
	ctx, cancel := context.WithCancelCause(ctx)
	timeout := time.AfterFunc(answerTimeout+of.wait, func() { cancel(errSilent) })
	end := func() { timeout.Stop(); cancel(nil) }
	resp, err := send(ctx)
	if err != nil {
		defer end()
		return answer{}, notAnswered(ctx, err, of)
	}
	if resp.StatusCode == http.StatusOK && of.stream {
		return answer{stream: newStream(resp.Body, timeout, end)}, nil
	}
	defer end()
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return answer{}, notAnswered(ctx, err, of)
	}
	mediaType, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")) // an unreadable type is another type
	switch {
	case mediaType == problemType:
		return answer{}, problemOf(resp, body, of)
	case resp.StatusCode/100 == 2, of.legacy && mediaType == jsonType && isRefusal(resp.StatusCode):
		return answer{body: body}, nil
	default:
		return answer{}, foreign(resp, of)
	}
}

// isRefusal reports whether a legacy route answers with the status when it does nothing.
func isRefusal(status int) bool {
	return status == http.StatusNotFound || status == http.StatusConflict
}

// errSilent is why an attempt ended in which nothing arrived for too long.
var errSilent = errors.New("no answer in time")

// notAnswered returns the failure of a request without an answer. ctx is that of the attempt.
func notAnswered(ctx context.Context, err error, of call) *failure {
	if invalid, ok := errors.AsType[*domain.InvalidError](err); ok { // it was not sent
		return &failure{err: &Error{Operation: of.operation, Reason: invalid}}
	}
	if outer, ok := errors.AsType[*url.Error](err); ok {
		err = outer.Err // without the URL, which may have a lease id
	}
	if errors.Is(context.Cause(ctx), errSilent) {
		err = errSilent // not that a context was cancelled: that of the caller was not
	}
	f := &failure{retry: true, doubt: true}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		f.doubt = false
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok || errors.Is(err, http.ErrSchemeMismatch) {
		f.retry, f.doubt = false, false
	}
	f.err = &Error{Operation: of.operation, Reason: &unreachableError{err}}
	return f
}

// problemOf returns the failure of a request that the farm answered with a problem.
func problemOf(resp *http.Response, body []byte, of call) *failure {
	var problem api.Problem
	if json.Unmarshal(body, &problem) != nil {
		return foreign(resp, of)
	}
	after := retryAfter(resp)
	f := &failure{after: after, err: &Error{
		Operation: of.operation, Code: string(problem.Code), Status: resp.StatusCode, Detail: problem.Detail, RetryAfter: after,
		RequestID: resp.Header.Get("X-Request-Id"), Reason: reasonOf(problem, of, after),
	}}
	switch problem.Code {
	case api.CodeRequestTimeout, api.CodeRateLimited, api.CodeTooManyConnections:
		f.retry = true
	case api.CodeStoreUnavailable, api.CodeShuttingDown:
		f.retry, f.doubt = true, true
	default: // a retry would get the same answer
	}
	return f
}

// foreign returns the failure of a request that something else than the farm answered, such as a proxy. Its body is not shown.
func foreign(resp *http.Response, of call) *failure {
	after := retryAfter(resp)
	f := &failure{after: after, err: &Error{
		Operation: of.operation, Status: resp.StatusCode, RetryAfter: after, RequestID: resp.Header.Get("X-Request-Id"),
		Detail: "The answer has the HTTP status " + strconv.Itoa(resp.StatusCode) + ", and is not that of a farm.", Reason: errUnreadable,
	}}
	switch resp.StatusCode {
	case http.StatusTooManyRequests:
		f.retry = true
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		f.retry, f.doubt = true, true
		f.err.(*Error).Reason = &unreachableError{errUnreadable} //nolint:errcheck,errorlint // it is one: see above
	}
	return f
}

// retryAfter returns how long the farm asks to wait. Proxies may answer a date, which is ignored.
func retryAfter(resp *http.Response) time.Duration {
	seconds, err := strconv.Atoi(resp.Header.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(min(seconds, maxSeconds)) * time.Second
}
