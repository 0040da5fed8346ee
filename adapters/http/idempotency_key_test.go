package http_test

import (
	"crypto/rand"
	nethttp "net/http"
	"strings"
	"testing"

	"github.com/userfarm/userfarm/adapters/http/internal/api"
)

func TestARetryOfAnAcquireGetsTheSameLease(t *testing.T) {
	c := newClient(t)
	c.newUser("alice", nil)
	c.newUser("bob", nil)
	key, body := rand.Text(), `{"users":[{}],"owner":"ci-1"}`
	first := c.postOnce(key, "/v1/leases", body).want(201)
	if again := c.postOnce(key, "/v1/leases", body).want(201); again.body != first.body {
		t.Error("the retry got another lease")
	}
	c.postOnce(key, "/v1/leases", `{"users":[{}],"owner":"ci-2"}`).want(422).wantProblem(api.CodeIdempotencyMismatch)

	var other api.Lease
	c.postOnce(rand.Text(), "/v1/leases", body).want(201).into(&other)
	var lease api.Lease
	first.into(&lease)
	if other.LeaseID == lease.LeaseID {
		t.Error("another key gets the same lease")
	}
	c.post("/v1/leases/"+lease.LeaseID+"/release", "").want(204)
	c.postOnce(key, "/v1/leases", body).want(410).wantProblem(api.CodeLeaseExpired)
}

func TestARetryOfACreateGetsTheUserAsItIsNow(t *testing.T) {
	c := newClient(t)
	user := func(login string) string {
		return `{"login":"` + login + `","password":"` + login + `s secret","project_id":"` + projectID + `","env":"e","domain":"d"}`
	}
	key := rand.Text()
	var first, again api.User
	created := c.postOnce(key, "/v1/users", user("alice")).want(201)
	created.into(&first)
	c.send("PATCH", "/v1/users/"+first.UserID, `{"labels":{"role":"admin"}}`).want(200)
	repeated := c.postOnce(key, "/v1/users", user("alice")).want(201)
	repeated.into(&again)
	if again.UserID != first.UserID || again.Labels["role"] != "admin" {
		t.Errorf("got %s", repeated.body)
	}
	if repeated.header.Get("Location") != created.header.Get("Location") {
		t.Error("the retry got another location")
	}
	c.postOnce(key, "/v1/users", user("bob")).want(422).wantProblem(api.CodeIdempotencyMismatch)
	reasoned := strings.TrimSuffix(user("alice"), "}") + `,"reason":"for another test"}` // the history would not have it
	c.postOnce(key, "/v1/users", reasoned).want(422).wantProblem(api.CodeIdempotencyMismatch)
	c.postOnce(key, "/v1/users", strings.TrimSuffix(user("alice"), "}")+`,"reason":""}`).want(201)
	c.postOnce(rand.Text(), "/v1/users", user("alice")).want(409).wantProblem(api.CodeUserExists)

	c.send("DELETE", "/v1/users/"+first.UserID, "").want(204)
	c.postOnce(key, "/v1/users", user("alice")).want(404).wantProblem(api.CodeUserNotFound)
}

func TestAnInvalidIdempotencyKeyIsRejected(t *testing.T) {
	c := newClient(t)
	keys := map[string][]string{
		"empty":           {""},
		"too long":        {strings.Repeat("key", 100)},
		"not UTF-8":       {"key \xff"},
		"given twice":     {rand.Text(), rand.Text()},
		"given and empty": {rand.Text(), ""},
	}
	for name, key := range keys {
		t.Run(name, func(t *testing.T) {
			c := c.in(t)
			header := nethttp.Header{"Idempotency-Key": key}
			c.sendWith(header, "POST", "/v1/leases", `{"users":[{}]}`).want(422).
				wantProblem(api.CodeInvalid, "/Idempotency-Key")
			c.sendWith(header, "POST", "/v1/leases", `{"users":[{"env":""}],"owner":"\u0000"}`).want(422).
				wantProblem(api.CodeInvalid, "/users/0/env", "/Idempotency-Key", "/owner")
			c.sendWith(header, "POST", "/v1/users", `{}`).want(422).
				wantProblem(api.CodeInvalid, "/login", "/password", "/project_id", "/env", "/domain", "/Idempotency-Key")
		})
	}
	c.postOnce(strings.Repeat("é", 255), "/v1/leases", `{"users":[{}]}`).want(404)
}
