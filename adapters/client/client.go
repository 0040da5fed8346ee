package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/userfarm/userfarm/adapters/client/internal/api"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// defaultRetryFor is long enough for a restart of the farm.
const defaultRetryFor = 30 * time.Second

// idleConnections is how many connections to the farm stay open for the next requests. Many tests may use one client.
const idleConnections = 100

// Client implements [ports.Farm] over HTTP. Its methods may be called concurrently.
type Client struct {
	api      *api.Client
	http     *http.Client
	retryFor time.Duration
}

var _ ports.Farm = (*Client)(nil)

// Option is an option of [New].
type Option func(*options)

type options struct {
	apiKey    string
	transport http.RoundTripper
	retryFor  time.Duration
}

// WithAPIKey authenticates with the token of an API key. An empty token is none.
func WithAPIKey(token string) Option { return func(o *options) { o.apiKey = token } }

// WithTransport sends requests with a transport of the caller, for a proxy or for certificates. It must not limit how long an
// answer takes, because the farm answers an acquire that waits late.
func WithTransport(transport http.RoundTripper) Option {
	return func(o *options) { o.transport = transport }
}

// WithRetryFor says for how long a call is repeated while the farm fails; 0 is not at all. The default is 30 seconds.
func WithRetryFor(d time.Duration) Option { return func(o *options) { o.retryFor = d } }

// New returns a client of the farm at an address such as http://127.0.0.1:8000. It sends nothing yet. It returns an error for
// a bad address, and a [domain.ErrMalformedToken].
func New(address string, opts ...Option) (*Client, error) {
	o := options{retryFor: defaultRetryFor}
	for _, opt := range opts {
		opt(&o)
	}
	if err := checkAddress(address); err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	authorize, err := authorization(o.apiKey)
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	if o.transport == nil {
		transport := http.DefaultTransport.(*http.Transport).Clone() //nolint:errcheck // it is one, by its documentation
		transport.MaxIdleConnsPerHost = idleConnections
		o.transport = transport
	}
	c := &Client{http: &http.Client{Transport: o.transport, CheckRedirect: refuseRedirect}, retryFor: o.retryFor}
	c.api, err = api.NewClient(address, api.WithHTTPClient(c.http), api.WithRequestEditorFn(authorize))
	return c, err
}

// CloseIdleConnections closes the connections that no call uses. They would stay open for some time.
func (c *Client) CloseIdleConnections() { c.http.CloseIdleConnections() }

// refuseRedirect makes redirects answers: another server must get neither the API key nor the lease id in the path.
func refuseRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// checkAddress returns an error that does not quote the address, which may have a password.
func checkAddress(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return errors.New("the address of the farm must be a URL like http://127.0.0.1:8000")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return errors.New("the address of the farm must be a URL without a user, a query and a fragment; an API key is an option")
	default:
		return nil
	}
}

func authorization(text string) (api.RequestEditorFn, error) {
	if text == "" {
		return func(context.Context, *http.Request) error { return nil }, nil
	}
	token, err := domain.ParseToken(text)
	if err != nil {
		return nil, err
	}
	return func(_ context.Context, req *http.Request) error {
		req.Header.Set("Authorization", "Bearer "+token.Reveal())
		return nil
	}, nil
}
