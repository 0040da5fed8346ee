package http_test

import (
	"crypto/rand"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/userfarm/userfarm/adapters/http/internal/api"
	"github.com/userfarm/userfarm/adapters/http/internal/read"
	"github.com/userfarm/userfarm/domain"
)

// foreign returns a client with the API key of an admin of another project than that of about.
func (f guardedFarm) foreign() client {
	f.t.Helper()
	return f.as(f.key(domain.Admin, project(f.t, otherProjectID)))
}

func TestAnAPIKeyOfAProjectListsNothingOfOtherProjects(t *testing.T) {
	f := newGuardedFarm(t)
	f.about("{lease_id}")
	empty := map[string]string{
		"/v1/users":               `{"users":[],"next_cursor":null}`,
		"/v1/users?status=locked": `{"users":[],"next_cursor":null}`,
		"/v1/users?limit=1":       `{"users":[],"next_cursor":null}`,
		"/v1/pools":               `{"pools":[]}`,
		"/v1/projects":            `{"projects":[]}`,

		"/v1/events?kind=created":         `{"events":[],"next_cursor":null}`,
		"/v1/events?kind=created&limit=1": `{"events":[],"next_cursor":null}`,

		"/get_users": `[]`,
	}
	c := f.foreign()
	for path, want := range empty {
		if got := c.get(path).want(200).body; got != want {
			t.Errorf("GET %s: got %s, want %s", path, got, want)
		}
	}
	mine := f.addUser("mine", otherProjectID)
	for path := range empty {
		if path == "/v1/users?status=locked" {
			continue
		}
		if got := c.get(path).want(200).body; strings.Contains(got, projectID) || !strings.Contains(got, otherProjectID) {
			t.Errorf("GET %s: got %s, want only the data of %s", path, got, mine)
		}
	}
}

func TestAnAPIKeyOfAProjectListsOnlyKeysOfTheProject(t *testing.T) {
	f := newGuardedFarm(t)
	own, other := project(t, projectID), project(t, otherProjectID)
	f.key(domain.Viewer, own)
	f.key(domain.Viewer, own, other)
	id, token := f.keyWithID(domain.Admin, other)
	var page api.KeyPage
	f.as(token).get("/v1/keys").want(200).into(&page)
	if len(page.Keys) != 1 || page.Keys[0].KeyID != id || page.NextCursor != nil {
		t.Errorf("got %d keys", len(page.Keys))
	}
}

func TestAStreamHasNoEventsOfOtherProjects(t *testing.T) {
	f := newGuardedFarm(t)
	f.about("{lease_id}")
	stream := f.foreign().watch("kind=created&since=2026-01-01T00:00:00Z", "")
	f.about("{lease_id}")
	f.addUser("mine", otherProjectID)
	if got := nextBlock(t, stream); !strings.Contains(got, `"login":"mine"`) {
		t.Errorf("got %s, want only the events of the project", got)
	}
}

// TestOtherProjectsLookLikeUnknownOnes compares byte by byte the answers for an id of another project and for an unknown id.
func TestOtherProjectsLookLikeUnknownOnes(t *testing.T) {
	f := newGuardedFarm(t)
	c := f.foreign()
	for _, call := range calls {
		if call.foreign != 404 {
			continue
		}
		t.Run(call.operation, func(t *testing.T) {
			f.t = t
			f.wantSame(c.in(t), call.operation, call.body, f.about(call.operation))
		})
	}
}

// wantSame fails the test unless a call gets the same answer for an id of another project and for an unknown id.
func (f guardedFarm) wantSame(c client, operation, body string, about *strings.Replacer) {
	f.t.Helper()
	method, path, _ := strings.Cut(operation, " ")
	ask := func(about *strings.Replacer) string {
		got := c.send(method, about.Replace(path), about.Replace(body))
		for _, chance := range []string{"Date", "X-Request-Id"} {
			got.header.Del(chance)
		}
		return fmt.Sprint(got.status, got.header, strings.ReplaceAll(got.body, about.Replace("{user_id}"), "{user_id}"))
	}
	id := uuid.NewString()
	never := strings.NewReplacer("{user_id}", id, "{lease_id}", id, "{key_id}", id, "{import_id}", id, "{project_id}", id, "{login}", "x")
	if got, want := ask(about), ask(never); got != want {
		f.t.Errorf("for an id of another project, %s got\n%s\nand for an unknown id\n%s", operation, got, want)
	}
}

func TestAnEndedLeaseOfAnotherProjectIsNotFound(t *testing.T) {
	f := newGuardedFarm(t)
	c := f.foreign()
	user := f.addUser("alice", projectID)
	lease := f.lease(user)
	id, _ := read.ID[domain.LeaseID](lease)
	if err := f.farm.Release(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	about := strings.NewReplacer("{lease_id}", lease, "{user_id}", someID)
	for _, operation := range []string{
		"GET /v1/leases/{lease_id}", "POST /v1/leases/{lease_id}/renew", "POST /v1/leases/{lease_id}/release",
		"POST /v1/leases/{lease_id}/users/{user_id}/otp", "GET /v1/leases/{lease_id}/users/{user_id}/session",
		"DELETE /v1/leases/{lease_id}/users/{user_id}/session",
	} {
		f.wantSame(c, operation, "", about)
	}
	f.wantSame(c, "PUT /v1/leases/{lease_id}/users/{user_id}/session", `{"session":"cookies"}`, about)
	for _, reported := range []string{user.String(), someID} {
		f.wantSame(c, "POST /v1/leases/{lease_id}/release", `{"quarantine":[{"user_id":"`+reported+`","reason":"broken"}]}`, about)
	}
}

func TestAnAcquireSeesNoUsersOfOtherProjects(t *testing.T) {
	f := newGuardedFarm(t)
	c := f.foreign()
	user := f.addUser("alice", projectID)
	mine := f.addUser("mine", otherProjectID)
	about := strings.NewReplacer("{user_id}", user.String(), "{project_id}", projectID, "{login}", "alice")
	ask := []string{
		`{"users":[{"user_id":"{user_id}"}]}`,
		`{"users":[{"user_id":"` + mine.String() + `"},{"user_id":"{user_id}"}]}`,
		`{"users":[{"user_id":"{user_id}"}],"wait_seconds":1}`,
		`{"users":[{"project_id":"{project_id}"}]}`,
		`{"users":[{},{"project_id":"{project_id}","env":"e"}]}`,
	}
	for _, body := range ask {
		f.wantSame(c, "POST /v1/leases", body, about)
	}
	f.lease(user)
	for _, body := range ask {
		f.wantSame(c, "POST /v1/leases", body, about)
	}
	lease := c.acquire(`{"users":[{}]}`)
	if lease.Users[0].UserID != mine.String() {
		t.Error("the lease has the user of another project")
	}
	c.post("/v1/leases", `{"users":[{},{}]}`).want(404).wantProblem(api.CodeNoMatch, "/users/1")
}

func TestALoginOfAnotherProjectIsNotTaken(t *testing.T) {
	f := newGuardedFarm(t)
	c := f.foreign()
	f.addUser("alice", projectID)
	about := strings.NewReplacer("{login}", "alice", "{project_id}", projectID)
	f.wantSame(c, "POST /v1/users", newUserBody, about)
	f.wantSame(c, "POST /create_user", newUserBody, about)
	f.wantSame(c, "POST /v1/keys", `{"name":"n","role":"viewer","projects":["{project_id}"]}`, about)
}

func TestAProjectOutsideTheScopeOfTheKeyIsNamed(t *testing.T) {
	f := newGuardedFarm(t)
	c := f.foreign()
	c.post("/v1/users", `{"login":"a","password":"p","project_id":"`+projectID+`","env":"e","domain":"d"}`).want(403).
		wantProblem(api.CodeForbidden, "/project_id")
	c.post("/v1/leases", `{"users":[{},{"project_id":"`+projectID+`"}]}`).want(403).
		wantProblem(api.CodeForbidden, "/users/1/project_id")
	c.post("/v1/keys", `{"name":"n","role":"admin","projects":["`+projectID+`","`+otherProjectID+`"]}`).want(403).
		wantProblem(api.CodeForbidden, "/projects")
	c.post("/v1/keys", `{"name":"n","role":"admin"}`).want(403).wantProblem(api.CodeForbidden, "/projects")
	for _, list := range []string{"/v1/users", "/v1/events", "/v1/events/stream"} {
		c.get(list+"?project_id="+projectID).want(403).wantProblem(api.CodeForbidden, "/project_id")
	}
}

func TestAnIdempotencyKeyOfAnotherCallerHasNoEffect(t *testing.T) {
	f := newGuardedFarm(t)
	one := f.as(f.key(domain.Tester, project(t, projectID)))
	two := f.as(f.key(domain.Tester, project(t, otherProjectID)))
	f.addUser("alice", projectID)
	f.addUser("bob", otherProjectID)
	key := rand.Text()
	var first, second api.Lease
	one.postOnce(key, "/v1/leases", `{"users":[{}]}`).want(201).into(&first)
	two.postOnce(key, "/v1/leases", `{"users":[{}]}`).want(201).into(&second)
	if first.LeaseID == second.LeaseID || second.Users[0].ProjectID != otherProjectID {
		t.Error("the second caller got the lease of the first")
	}
}
