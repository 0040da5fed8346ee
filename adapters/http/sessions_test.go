package http_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/userfarm/userfarm/adapters/http/internal/api"
	"github.com/userfarm/userfarm/domain"
)

func sessionPath(lease api.Lease) string {
	return "/v1/leases/" + lease.LeaseID + "/users/" + lease.Users[0].UserID + "/session"
}

func TestASessionIsReadAsItWasSaved(t *testing.T) {
	c := newClient(t)
	c.newUser("alice", nil)
	lease := c.acquire(`{"users":[{}]}`)
	if lease.Users[0].SessionSavedAt != nil {
		t.Errorf("a new user has a session of %v", lease.Users[0].SessionSavedAt)
	}
	c.get(sessionPath(lease)).want(404).wantProblem(api.CodeSessionNotFound)
	var saved api.SavedSession
	put := c.send("PUT", sessionPath(lease), `{"session":"{\"cookies\":[]}\u0000 ü","expires_in_seconds":60}`).want(200)
	put.into(&saved)
	var got api.Session
	read := c.get(sessionPath(lease)).want(200)
	read.into(&got)
	if got.Session != "{\"cookies\":[]}\x00 ü" || !got.SavedAt.Equal(saved.SavedAt) || got.ExpiresAt.Sub(got.SavedAt).Seconds() != 60 {
		t.Errorf("read %+v, saved %+v", got, saved)
	}
	if tag := read.header.Get("ETag"); tag == "" || tag != put.header.Get("ETag") {
		t.Errorf("the tags are %q and %q", tag, put.header.Get("ETag"))
	}
	c.post("/v1/leases/"+lease.LeaseID+"/release", "").want(204)
	next := c.acquire(`{"users":[{}]}`)
	if at := next.Users[0].SessionSavedAt; at == nil || !at.Equal(saved.SavedAt) {
		t.Errorf("the next holder sees a session of %v, want %v", at, saved.SavedAt)
	}
	c.send("DELETE", sessionPath(next), "").want(204)
	c.send("DELETE", sessionPath(next), "").want(204)
	c.get(sessionPath(next)).want(404).wantProblem(api.CodeSessionNotFound)
	c.get(sessionPath(lease)).want(410).wantProblem(api.CodeLeaseExpired)
}

func TestASessionThatTheClientHasIsNotSentAgain(t *testing.T) {
	c := newClient(t)
	c.newUser("alice", nil)
	lease := c.acquire(`{"users":[{}]}`)
	tag := c.send("PUT", sessionPath(lease), `{"session":"cookie-4b1e0c7d2f"}`).want(200).header.Get("ETag")
	for condition, status := range map[string]int{
		tag: 304, "W/" + tag: 304, `"other", ` + tag: 304, "*": 304, `"other"`: 200, "": 200, strings.Trim(tag, `"`): 200,
	} {
		got := c.sendWith(map[string][]string{"If-None-Match": {condition}}, "GET", sessionPath(lease), "").want(status)
		if got.header.Get("ETag") != tag || status == 304 && got.body != "" {
			t.Errorf("%s: got the tag %q and the body %q", condition, got.header.Get("ETag"), got.body)
		}
	}
	c.send("PUT", sessionPath(lease), `{"session":"second"}`).want(200)
	c.sendWith(map[string][]string{"If-None-Match": {tag}}, "GET", sessionPath(lease), "").want(200)
	for _, header := range []string{"If-Match", "If-None-Match"} { // a condition that is not understood is not ignored
		c.sendWith(map[string][]string{header: {tag}}, "PUT", sessionPath(lease), `{"session":"third"}`).want(400).wantProblem(api.CodeMalformed)
	}
}

func TestABadSessionIsRejected(t *testing.T) {
	c := newClient(t)
	alice, _ := c.newUser("alice", nil)
	lease := c.acquire(`{"users":[{}]}`)
	large, _ := json.Marshal(strings.Repeat("x", domain.MaxSession+1))
	for body, pointers := range map[string][]string{
		`{}`:                                     {"/session"},
		`{"session":""}`:                         {"/session"},
		`{"session":` + string(large) + `}`:      {"/session"},
		`{"session":1}`:                          {"/session"},
		`{"session":"x","expires_in_seconds":0}`: {"/expires_in_seconds"},
		`{"session":"x","expires":1}`:            {"/expires"},
	} {
		c.send("PUT", sessionPath(lease), body).want(422).wantProblem(api.CodeInvalid, pointers...)
	}
	c.send("PUT", sessionPath(lease), "").want(400).wantProblem(api.CodeMalformed)
	c.send("PUT", "/v1/leases/x/users/y/session", `{"session":"x"}`).want(422).wantProblem(api.CodeInvalid, "/lease_id", "/user_id")
	c.get(sessionPath(lease)).want(404).wantProblem(api.CodeSessionNotFound)
	for _, method := range []string{"GET", "PUT", "DELETE"} {
		body := map[string]string{"PUT": `{"session":"x"}`}[method]
		c.send(method, "/v1/leases/"+lease.LeaseID+"/users/"+someID+"/session", body).want(404).wantProblem(api.CodeUserNotFound)
		c.send(method, "/v1/leases/"+someID+"/users/"+alice.UserID+"/session", body).want(404).wantProblem(api.CodeLeaseNotFound)
	}
}
