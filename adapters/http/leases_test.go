package http_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/userfarm/userfarm/adapters/http/internal/api"
)

func TestAnAcquireThatNoUserMatchesSaysWhatComesClosest(t *testing.T) {
	c := newClient(t)
	c.newUser("alice", nil)
	var got api.Problem
	c.post("/v1/leases", `{"users":[{},{"env":"stage"},{"labels":{"a/b":"x"}}]}`).want(404).into(&got)
	if got.Code != api.CodeNoMatch || len(got.Errors) != 2 || got.Errors[0].Detail != "no user matches" {
		t.Errorf("got %+v", got)
	}
	want := []api.NearMiss{
		{Pointer: "/users/1/env", Wanted: "stage", Users: 1, Values: []string{"staging"}},
		{Pointer: "/users/2/labels/a~1b", Wanted: "x", Users: 1, Values: []string{}, Others: true},
	}
	if !reflect.DeepEqual(got.Closest, want) {
		t.Errorf("closest is %+v, want %+v", got.Closest, want)
	}
	const detail = ` For /users/1: 1 user that matches otherwise has env "staging", not "stage".` +
		` For /users/2: 1 user that matches otherwise has no label a/b.`
	if !strings.HasSuffix(got.Detail, detail) {
		t.Errorf("the detail is %s", got.Detail)
	}
}

func TestAnAcquireReturnsALease(t *testing.T) {
	c := newClient(t)
	user, password := c.newUser("alice", map[string]string{"role": "admin"})

	got := c.post("/v1/leases", `{"users":[{"labels":{"role":"admin"}}],"owner":"ci-1","note":"a test","ttl_seconds":60}`).want(201)
	var lease api.Lease
	got.into(&lease)
	if lease.Owner != "ci-1" || lease.Note != "a test" {
		t.Errorf("the lease is of %q for %q", lease.Owner, lease.Note)
	}
	if held := lease.ExpiresAt.Sub(lease.AcquiredAt); held != time.Minute {
		t.Errorf("the lease lasts %v, want a minute", held)
	}
	want := api.LeasedUser{
		UserID: user.UserID, Login: "alice", Password: password, ProjectID: projectID,
		Env: "staging", Domain: "shop.example.com", Labels: api.Labels{"role": "admin"}, Fence: 1,
	}
	if len(lease.Users) != 1 || fmt.Sprint(lease.Users[0]) != fmt.Sprint(want) {
		t.Errorf("the lease has %d users, or the wrong ones", len(lease.Users))
	}
	if got.header.Get("Cache-Control") != "no-store" {
		t.Error("the lease may be cached")
	}
	if again := c.get("/v1/leases/" + lease.LeaseID).want(200); again.body != got.body {
		t.Error("the lease that was read differs from the granted one")
	}
}

func TestALeaseLastsForTheDefaultTime(t *testing.T) {
	c := newClient(t)
	c.newUser("alice", nil)
	for _, body := range []string{`{"users":[{}]}`, `{"users":[{}],"owner":"","wait_seconds":0}`} {
		lease := c.acquire(body)
		if held := lease.ExpiresAt.Sub(lease.AcquiredAt); held != settings.Leases.DefaultTTL {
			t.Errorf("the lease lasts %v, want %v", held, settings.Leases.DefaultTTL)
		}
		c.post("/v1/leases/"+lease.LeaseID+"/release", "").want(204)
	}
}

func TestUsersOfALeaseAnswerTheSelectors(t *testing.T) {
	c := newClient(t)
	named, _ := c.newUser("named", nil)
	c.newUser("plain", nil)
	c.newUser("admin", map[string]string{"role": "admin"})
	lease := c.acquire(`{"users":[{"labels":{"role":"admin"}},{"user_id":"` + named.UserID + `"},
		{"project_id":"` + projectID + `","env":"staging","domain":"shop.example.com"}]}`)
	var logins []string
	for _, u := range lease.Users {
		logins = append(logins, u.Login)
	}
	if !slices.Equal(logins, []string{"admin", "named", "plain"}) {
		t.Errorf("got %q", logins)
	}
}

func TestAnAcquireThatFailsSaysWhy(t *testing.T) {
	c := newClient(t)
	alice, _ := c.newUser("alice", nil)
	bob, _ := c.newUser("bob", nil)

	c.post("/v1/leases", `{"users":[{},{"env":"production"}]}`).want(404).wantProblem(api.CodeNoMatch, "/users/1")
	c.post("/v1/leases", `{"users":[{"user_id":"`+someID+`"}]}`).want(404).
		wantProblem(api.CodeUserNotFound, "/users/0/user_id")

	c.acquire(`{"users":[{"user_id":"` + alice.UserID + `"}]}`)
	c.post("/v1/leases", `{"users":[{"user_id":"`+alice.UserID+`"}]}`).want(409).
		wantProblem(api.CodeUserLocked, "/users/0/user_id")
	exhausted := c.post("/v1/leases", `{"users":[{},{}]}`).want(409)
	if problem := exhausted.wantProblem(api.CodePoolExhausted, "/users/1"); problem.Errors[0].Detail == "" {
		t.Error("the problem does not say what is wrong with the selector")
	}
	if exhausted.header.Get("Retry-After") != "1" {
		t.Error("the problem does not say when to try again")
	}
	c.post("/v1/users/"+bob.UserID+"/quarantine", `{"reason":"blocked"}`).want(200)
	c.post("/v1/leases", `{"users":[{"user_id":"`+bob.UserID+`"}]}`).want(409).
		wantProblem(api.CodeUserQuarantined, "/users/0/user_id")
}

func TestALeaseIsRenewed(t *testing.T) {
	c := newClient(t)
	c.newUser("alice", nil)
	lease := c.acquire(`{"users":[{}],"ttl_seconds":60}`)
	var longer api.Lease
	c.post("/v1/leases/"+lease.LeaseID+"/renew", `{"ttl_seconds":3600}`).want(200).into(&longer)
	if !longer.ExpiresAt.After(lease.AcquiredAt.Add(59*time.Minute)) || longer.LeaseID != lease.LeaseID {
		t.Errorf("the lease ends at %v", longer.ExpiresAt)
	}
	var standard api.Lease
	c.post("/v1/leases/"+lease.LeaseID+"/renew", "").want(200).into(&standard)
	if !standard.ExpiresAt.Before(longer.ExpiresAt) {
		t.Errorf("a renewal without a body lets the lease end at %v", standard.ExpiresAt)
	}
	c.post("/v1/leases/"+lease.LeaseID+"/renew", `{}`).want(200)
}

func TestAnEndedLeaseIsGone(t *testing.T) {
	c := newClient(t)
	c.newUser("alice", nil)
	path := "/v1/leases/" + c.acquire(`{"users":[{}]}`).LeaseID
	if got := c.post(path+"/release", "").want(204); got.body != "" {
		t.Errorf("got a body: %s", got.body)
	}
	c.get(path).want(410).wantProblem(api.CodeLeaseExpired)
	c.post(path+"/renew", "").want(410).wantProblem(api.CodeLeaseExpired)
	c.post(path+"/release", "").want(410).wantProblem(api.CodeLeaseExpired)
	c.acquire(`{"users":[{}]}`)
}

func TestAnUnknownLeaseIsNotFound(t *testing.T) {
	c := newClient(t)
	c.get("/v1/leases/" + someID).want(404).wantProblem(api.CodeLeaseNotFound)
	c.post("/v1/leases/"+someID+"/renew", "").want(404).wantProblem(api.CodeLeaseNotFound)
	c.post("/v1/leases/"+someID+"/release", "{}").want(404).wantProblem(api.CodeLeaseNotFound)
}

func TestAReleaseReportsBrokenUsers(t *testing.T) {
	c := newClient(t)
	alice, _ := c.newUser("alice", nil)
	other, _ := c.newUser("other", nil)
	path := "/v1/leases/" + c.acquire(`{"users":[{"user_id":"`+alice.UserID+`"}]}`).LeaseID + "/release"

	c.post(path, `{"quarantine":[{"user_id":"`+other.UserID+`","reason":"blocked"}]}`).want(422).
		wantProblem(api.CodeInvalid, "/quarantine/0/user_id")
	c.post(path, `{"quarantine":[{"user_id":"`+alice.UserID+`","reason":"blocked"}]}`).want(204)

	var user api.User
	c.get("/v1/users/" + alice.UserID).want(200).into(&user)
	if user.Status != api.StatusQuarantined || user.Quarantine == nil || user.Quarantine.Reason != "blocked" {
		t.Errorf("the user is %s", user.Status)
	}
}

func TestAnInvalidAcquireIsRejected(t *testing.T) {
	c := newClient(t)
	tests := []struct {
		name, body string
		pointers   []string
	}{
		{"no users", `{}`, []string{"/users"}},
		{"no selectors", `{"users":[]}`, []string{"/users"}},
		{"too many selectors", `{"users":[` + strings.Repeat("{},", 32) + `{}]}`, []string{"/users"}},
		{"empty fields of a selector", `{"users":[{"env":"","domain":""}]}`, []string{"/users/0/env", "/users/0/domain"}},
		{"invalid ids", `{"users":[{},{"project_id":"shop","user_id":"` + strings.ToUpper(someID) + `x"}]}`,
			[]string{"/users/1/project_id", "/users/1/user_id"}},
		{"the nil UUID, which would match any user", `{"users":[{"user_id":"00000000-0000-0000-0000-000000000000"}]}`,
			[]string{"/users/0/user_id"}},
		{"an invalid label", `{"users":[{"labels":{"a b":"c"}}]}`, []string{"/users/0/labels/a b"}},
		{"a time to live of 0", `{"users":[{}],"ttl_seconds":0}`, []string{"/ttl_seconds"}},
		{"a negative time to live", `{"users":[{}],"ttl_seconds":-1}`, []string{"/ttl_seconds"}},
		{"a time to live of more than a day", `{"users":[{}],"ttl_seconds":86401}`, []string{"/ttl_seconds"}},
		{"a time to live that would overflow", `{"users":[{}],"ttl_seconds":18446744074}`, []string{"/ttl_seconds"}},
		{"a wait of more than a minute", `{"users":[{}],"wait_seconds":61}`, []string{"/wait_seconds"}},
		{"a negative wait", `{"users":[{}],"wait_seconds":-1}`, []string{"/wait_seconds"}},
		{"a wait of years", `{"users":[{}],"wait_seconds":2147483647}`, []string{"/wait_seconds"}},
		{"an owner that is too long", `{"users":[{}],"owner":"` + strings.Repeat("x", 256) + `","note":"\u0000"}`,
			[]string{"/owner", "/note"}},
		{"several fields at once", `{"users":[{"user_id":"x"}],"wait_seconds":61,"ttl_seconds":0}`,
			[]string{"/users/0/user_id", "/ttl_seconds", "/wait_seconds"}},
		{"an unreadable member and broken rules", `{"users":[{"labels":{"a b":"c"}},{"env":5}],"owner":"\u0000","foo":1}`,
			[]string{"/users/1/env", "/foo", "/users/0/labels/a b", "/owner"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := c.in(t)
			c.post("/v1/leases", test.body).want(422).wantProblem(api.CodeInvalid, test.pointers...)
		})
	}
}

func TestAnInvalidLeaseIDIsNamedWithTheBody(t *testing.T) {
	c := newClient(t)
	c.get("/v1/leases/nonsense").want(422).wantProblem(api.CodeInvalid, "/lease_id")
	c.post("/v1/leases/nonsense/renew", `{"ttl_seconds":0}`).want(422).
		wantProblem(api.CodeInvalid, "/lease_id", "/ttl_seconds")
	c.post("/v1/leases/nonsense/release", `{"quarantine":[{}]}`).want(422).
		wantProblem(api.CodeInvalid, "/lease_id", "/quarantine/0/user_id", "/quarantine/0/reason")
	c.post("/v1/leases/%00%ff/release", ``).want(422).wantProblem(api.CodeInvalid, "/lease_id")
}

func TestAnIntegerMayBeWrittenAsJSONAllows(t *testing.T) {
	c := newClient(t)
	for _, ttl := range []string{"300", "300.0", "3e2"} {
		c.newUser("user-"+ttl, nil)
		c.post("/v1/leases", `{"users":[{}],"ttl_seconds":`+ttl+`}`).want(201)
	}
	for _, ttl := range []string{"0.5", "1e99", "-1e2"} {
		c.post("/v1/leases", `{"users":[{}],"ttl_seconds":`+ttl+`}`).want(422)
	}
}
