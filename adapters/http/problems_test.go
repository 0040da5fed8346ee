package http_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/userfarm/userfarm/adapters/http/internal/api"
	"github.com/userfarm/userfarm/adapters/http/problem"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

const someID = "01a207ad-dd31-71ec-8a51-5b0e4a7a0c11"

// farmRequests has a valid request to every route that calls the farm.
var farmRequests = []struct{ method, path, body string }{
	{"POST", "/v1/leases", `{"users":[{}]}`},
	{"GET", "/v1/leases/" + someID, ""},
	{"POST", "/v1/leases/" + someID + "/renew", ""},
	{"POST", "/v1/leases/" + someID + "/release", ""},
	{"POST", "/v1/leases/" + someID + "/users/" + someID + "/otp", ""},
	{"GET", "/v1/leases/" + someID + "/users/" + someID + "/session", ""},
	{"PUT", "/v1/leases/" + someID + "/users/" + someID + "/session", `{"session":"cookies"}`},
	{"DELETE", "/v1/leases/" + someID + "/users/" + someID + "/session", ""},
	{"POST", "/v1/users", `{"login":"a","password":"b","project_id":"` + projectID + `","env":"c","domain":"d"}`},
	{"GET", "/v1/users", ""},
	{"GET", "/v1/users/" + someID, ""},
	{"PATCH", "/v1/users/" + someID, `{"labels":{}}`},
	{"DELETE", "/v1/users/" + someID, ""},
	{"POST", "/v1/users/" + someID + "/quarantine", `{"reason":"r"}`},
	{"POST", "/v1/users/" + someID + "/restore", ""},
	{"POST", "/v1/users/" + someID + "/force-release", ""},
	{"GET", "/v1/pools", ""},
	{"GET", "/v1/projects", ""},
	{"GET", "/v1/projects/names", ""},
	{"PUT", "/v1/projects/" + someID, `{"name":"n"}`},
	{"GET", "/v1/events", ""},
	{"GET", "/v1/events/stream", ""},
	{"GET", "/v1/events/stream?since=2026-11-23T09:30:00Z", ""},
	{"POST", "/v1/keys", `{"name":"ci","role":"tester"}`},
	{"GET", "/v1/keys", ""},
	{"GET", "/v1/keys/" + someID, ""},
	{"POST", "/v1/keys/" + someID + "/revoke", ""},
	{"POST", "/create_user", `{"login":"a","password":"b","project_id":"` + projectID + `","env":"c","domain":"d"}`},
	{"GET", "/get_users", ""},
	{"POST", "/acquire_lock", `{"user_id":"` + someID + `"}`},
	{"POST", "/release_lock", `{"user_id":"` + someID + `"}`},
	{"GET", "/readyz", ""},
}

func TestAnUnavailableStoreIsA503OnEveryRoute(t *testing.T) {
	for _, err := range []error{ports.ErrUnavailable, context.DeadlineExceeded, context.Canceled} {
		c := newBrokenClient(t, fmt.Errorf("postgres: claim: %w", err))
		for _, r := range farmRequests {
			t.Run(fmt.Sprintf("%v %s %s", err, r.method, r.path), func(t *testing.T) {
				c := c.in(t)
				got := c.send(r.method, r.path, r.body)
				got.want(503).wantProblem(api.CodeStoreUnavailable)
				if after := got.header.Get("Retry-After"); after != "1" {
					t.Errorf("got Retry-After %q, want 1", after)
				}
			})
		}
	}
}

func TestAnUnknownErrorIsA500WithoutDetails(t *testing.T) {
	c := newBrokenClient(t, errors.New("column \"pasword\" does not exist"))
	for _, r := range farmRequests {
		if r.path == "/readyz" {
			continue // a store that answers wrongly is not ready
		}
		t.Run(r.method+" "+r.path, func(t *testing.T) {
			c := c.in(t)
			got := c.send(r.method, r.path, r.body)
			got.want(500).wantProblem(api.CodeInternal)
			if strings.Contains(got.body, "column") {
				t.Errorf("the answer contains the error: %s", got.body)
			}
		})
	}
	if !strings.Contains(logged.String(), `column \"pasword\" does not exist`) {
		t.Error("the log does not have the error")
	}
}

func TestAPanicIsA500(t *testing.T) {
	farm := brokenFarm(func(context.Context) error { panic("index out of range") })
	c := newFarmClient(t, farm, farm)
	c.get("/v1/pools").want(500).wantProblem(api.CodeInternal)
	c.get("/get_users").want(500).wantProblem(api.CodeInternal)
	c.get("/healthz").want(200)
	if !strings.Contains(logged.String(), "panic: index out of range\\ngoroutine") {
		t.Error("the log does not have the stack")
	}
}

func TestErrorsOfTheFarmAreProblems(t *testing.T) {
	tests := []struct {
		err    error
		status int
		code   api.Code
	}{
		{domain.ErrUserNotFound, 404, api.CodeUserNotFound},
		{domain.ErrUserLocked, 409, api.CodeUserLocked},
		{domain.ErrUserQuarantined, 409, api.CodeUserQuarantined},
		{domain.ErrForbidden, 403, api.CodeForbidden},
		{domain.ErrNoMatch, 404, api.CodeNoMatch},
		{domain.ErrPoolExhausted, 409, api.CodePoolExhausted},
		{domain.ErrLeaseExpired, 410, api.CodeLeaseExpired},
		{domain.ErrIdempotencyMismatch, 422, api.CodeIdempotencyMismatch},
	}
	for _, test := range tests {
		c := newBrokenClient(t, fmt.Errorf("store: claim: %w", test.err))
		c.post("/v1/leases", `{"users":[{}]}`).want(test.status).wantProblem(test.code)
	}
}

func TestErrorsAboutSelectorsPointAtThem(t *testing.T) {
	unmatched := &domain.UnmatchedError{Reason: domain.ErrNoMatch, Selectors: []int{0, 2}}
	c := newBrokenClient(t, unmatched)
	c.post("/v1/leases", `{"users":[{},{},{}]}`).wantProblem(api.CodeNoMatch, "/users/0", "/users/2")

	named := &domain.SelectorError{Reason: domain.ErrUserLocked, Selector: 1}
	c = newBrokenClient(t, named)
	c.post("/v1/leases", `{"users":[{},{}]}`).wantProblem(api.CodeUserLocked, "/users/1/user_id")
}

func TestAProblemHasAtMostAHundredFields(t *testing.T) {
	fields := make([]domain.FieldError, 200)
	c := newBrokenClient(t, &domain.InvalidError{Fields: fields})
	var problem api.Problem
	c.post("/v1/leases", `{"users":[{}]}`).want(422).into(&problem)
	if len(problem.Errors) != 100 {
		t.Errorf("got %d fields, want 100", len(problem.Errors))
	}
}

// A client maps a code back to an error by the same table, and finds the same code for it.
func TestACodeStandsForOneError(t *testing.T) {
	errs := map[api.Code]error{}
	for _, kind := range problem.Kinds() {
		if _, known := errs[kind.Code]; !known {
			errs[kind.Code] = kind.Err
		}
	}
	for code, err := range errs {
		for _, kind := range problem.Kinds() {
			if errors.Is(err, kind.Err) {
				if kind.Code != code {
					t.Errorf("%s stands for %v, which has the code %s", code, err, kind.Code)
				}
				break
			}
		}
	}
}

func newBrokenClient(t testing.TB, err error) client {
	t.Helper()
	return newFarmClient(t, failing(err), failing(err))
}
