package bench

import (
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/valyala/fasthttp"

	"github.com/userfarm/userfarm/domain"
)

const (
	// requestTimeout is how long a farm lets a request take.
	requestTimeout = 10 * time.Second
	// idleTimeout is shorter than a farm's, so that no request uses a connection that the farm is closing.
	idleTimeout = time.Minute
	pageSize    = 1000
)

// farm is the farm that is measured.
type farm struct {
	http    *fasthttp.HostClient
	url     string // without a slash at its end
	key     domain.Token
	timeout time.Duration
}

// newFarm returns the farm at target. Requests carry the API key unless it is zero. callers is how many callers may use the farm at
// the same time.
func newFarm(target *url.URL, key domain.Token, callers int) *farm {
	port := target.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[target.Scheme]
	}
	return &farm{
		url:     strings.TrimSuffix(target.String(), "/"),
		key:     key,
		timeout: requestTimeout,
		http: &fasthttp.HostClient{
			Addr:                net.JoinHostPort(target.Hostname(), port),
			Name:                "userfarm-bench",
			IsTLS:               target.Scheme == "https",
			DialDualStack:       true,
			MaxConns:            callers,
			MaxIdleConnDuration: idleTimeout,
			ConnPoolStrategy:    fasthttp.LIFO,
			// A silent retry would hide a failure, and the retry of an acquire might take a second user.
			MaxIdemponentCallAttempts: 1,
			// Errors would otherwise quote answers, which contain lease ids.
			SecureErrorLogMessage: true,
		},
	}
}

func (f *farm) close() { f.http.CloseIdleConnections() }

// caller sends one request after the other to a farm and reuses memory between them. Its methods return a [failure] if a request
// does not succeed.
type caller struct {
	farm      *farm
	acquiring fasthttp.Request // only its body changes, and the idempotency key of a waiter
	request   fasthttp.Request
	response  fasthttp.Response
	answer    leaseAnswer
}

func (f *farm) newCaller() *caller {
	c := &caller{farm: f}
	f.prepare(&c.acquiring, fasthttp.MethodPost, "/v1/leases", "{}")
	return c
}

// lease is what a client needs of a lease on one user.
type lease struct {
	id    string
	user  string
	fence uint64
}

type leaseAnswer struct {
	LeaseID string `json:"lease_id"`
	Users   []struct {
		UserID string `json:"user_id"`
		Fence  uint64 `json:"fence"`
	} `json:"users"`
}

// acquire sends the body of an acquire of one user.
func (c *caller) acquire(body string) (lease, error) {
	c.acquiring.SetBodyString(body)
	if err := c.send(&c.acquiring, fasthttp.StatusCreated); err != nil {
		return lease{}, err
	}
	if err := json.Unmarshal(c.response.Body(), &c.answer); err != nil || c.answer.LeaseID == "" || len(c.answer.Users) != 1 {
		return lease{}, unexpected("it is not a lease of one user")
	}
	user := c.answer.Users[0]
	return lease{id: c.answer.LeaseID, user: user.UserID, fence: user.Fence}, nil
}

func (c *caller) release(leaseID string) error {
	return c.do(fasthttp.MethodPost, "/v1/leases/"+leaseID+"/release", "", fasthttp.StatusNoContent)
}

// create creates a user and returns its id.
func (c *caller) create(user string) (string, error) {
	if err := c.do(fasthttp.MethodPost, "/v1/users", user, fasthttp.StatusCreated); err != nil {
		return "", err
	}
	var created struct {
		UserID string `json:"user_id"`
	}
	if err := json.Unmarshal(c.response.Body(), &created); err != nil || created.UserID == "" {
		return "", unexpected("it is not a user")
	}
	return created.UserID, nil
}

// list returns the ids of the first users of the project, at most pageSize.
func (c *caller) list(project string) ([]string, error) {
	err := c.do(fasthttp.MethodGet, fmt.Sprintf("/v1/users?limit=%d&project_id=%s", pageSize, project), "", fasthttp.StatusOK)
	if err != nil {
		return nil, err
	}
	var page struct {
		Users []struct {
			UserID string `json:"user_id"`
		} `json:"users"`
	}
	if err := json.Unmarshal(c.response.Body(), &page); err != nil {
		return nil, unexpected("it is not a list of users")
	}
	ids := make([]string, len(page.Users))
	for i, user := range page.Users {
		ids[i] = user.UserID
	}
	return ids, nil
}

// line returns how many acquires wait in line.
func (c *caller) line() (int, error) {
	if err := c.do(fasthttp.MethodGet, "/v1/line", "", fasthttp.StatusOK); err != nil {
		return 0, err
	}
	var line struct {
		Total int `json:"total"`
	}
	if err := json.Unmarshal(c.response.Body(), &line); err != nil {
		return 0, unexpected("it is not the line")
	}
	return line.Total, nil
}

// remove removes a user, also while a lease holds it. It returns nil if the user no longer exists.
func (c *caller) remove(user string) error {
	err := c.removeFree(user)
	if kindOf(err) == codeUserLocked { // for the waiters, or by a lease whose acquire or release lost its answer
		err = c.removeLocked(user)
	}
	if kindOf(err) == codeUserNotFound {
		return nil
	}
	return err
}

func (c *caller) removeFree(user string) error {
	return c.do(fasthttp.MethodDelete, "/v1/users/"+user, "", fasthttp.StatusNoContent)
}

// removeLocked quarantines the user first, so that no waiter gets it when its lock ends.
func (c *caller) removeLocked(user string) error {
	const reason = `{"reason":"the bench is over"}`
	for _, step := range []string{"/quarantine", "/force-release"} {
		if err := c.do(fasthttp.MethodPost, "/v1/users/"+user+step, reason, fasthttp.StatusOK); err != nil {
			return err
		}
	}
	return c.removeFree(user)
}

func (c *caller) do(method, path, body string, want int) error {
	c.farm.prepare(&c.request, method, path, body)
	return c.send(&c.request, want)
}

func (f *farm) prepare(request *fasthttp.Request, method, path, body string) {
	request.Reset()
	request.Header.SetMethod(method)
	request.SetRequestURI(f.url + path)
	if !f.key.IsZero() {
		request.Header.Set(fasthttp.HeaderAuthorization, "Bearer "+f.key.Reveal())
	}
	if body != "" {
		request.Header.SetContentType("application/json")
		request.SetBodyString(body)
	}
}

func (c *caller) send(request *fasthttp.Request, want int) error {
	if err := c.farm.http.DoTimeout(request, &c.response, c.farm.timeout); err != nil {
		return unanswered(err)
	}
	if c.response.StatusCode() != want {
		return unwanted(&c.response)
	}
	return nil
}
