package http_test

import (
	"strings"
	"testing"

	"github.com/userfarm/userfarm/adapters/http/internal/api"
	"github.com/userfarm/userfarm/domain"
)

func (c client) nameProject(id, name string) answer {
	c.t.Helper()
	return c.send("PUT", "/v1/projects/"+id, `{"name":"`+name+`"}`)
}

func TestProjectsAreCountedAndNamed(t *testing.T) {
	c := newClient(t)
	if got := c.get("/v1/projects").want(200).body; got != `{"projects":[]}` {
		t.Errorf("got %s", got)
	}
	c.newUser("alice", nil)
	bob, _ := c.newUser("bob", nil)
	c.post("/v1/users/"+bob.UserID+"/quarantine", `{"reason":"r"}`).want(200)
	counted := `"pools":1,"total":2,"free":1,"locked":0,"quarantined":1}`
	if got, want := c.get("/v1/projects").want(200).body, `{"projects":[{"project_id":"`+projectID+`","name":"",`+counted+`]}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	named := `{"project_id":"` + otherProjectID + `","name":"Shop"`
	if got := c.nameProject(otherProjectID, "Shop").want(200).body; got != named+"}" {
		t.Errorf("got %s", got)
	}
	if got := c.get("/v1/projects/names").want(200).body; got != `{"projects":[`+named+`}]}` {
		t.Errorf("got %s", got)
	}
	want := `{"projects":[` + named + `,"pools":0,"total":0,"free":0,"locked":0,"quarantined":0},{"project_id":"` + projectID + `","name":"",` + counted + `]}`
	if got := c.get("/v1/projects").want(200).body; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := c.nameProject(otherProjectID, "").want(200).body; got != `{"project_id":"`+otherProjectID+`","name":""}` {
		t.Errorf("got %s", got)
	}
	if got := c.get("/v1/projects/names").want(200).body; got != `{"projects":[]}` {
		t.Errorf("got %s", got)
	}
}

func TestANameOfAnotherProjectIsTaken(t *testing.T) {
	c := newClient(t)
	c.nameProject(projectID, "Shop").want(200)
	c.nameProject(otherProjectID, "sHOP").want(409).wantProblem(api.CodeProjectNameTaken)
	c.nameProject(projectID, "SHOP").want(200)
}

func TestABadNameOfAProjectIsRejected(t *testing.T) {
	c := newClient(t)
	for _, name := range []string{projectID, " shop", `shop\u00a0`, `a\nb`, strings.Repeat("x", 65)} {
		c.nameProject(projectID, name).want(422).wantProblem(api.CodeInvalid, "/name")
	}
	for _, reason := range []string{strings.Repeat("x", 1025), `a\nb`} {
		body := `{"name":"shop","reason":"` + reason + `"}`
		c.send("PUT", "/v1/projects/"+projectID, body).want(422).wantProblem(api.CodeInvalid, "/reason")
	}
	c.nameProject("x", " shop").want(422).wantProblem(api.CodeInvalid, "/project_id", "/name")
	c.nameProject("00000000-0000-0000-0000-000000000000", "shop").want(422).wantProblem(api.CodeInvalid, "/project_id")
}

// An empty name removes the name, so a request that forgets it must not.
func TestANameMustNotBeMissing(t *testing.T) {
	c := newClient(t)
	c.nameProject(projectID, "Shop").want(200)
	for _, body := range []string{`{}`, `{"name":null}`, `{"name":7}`} {
		c.send("PUT", "/v1/projects/"+projectID, body).want(422).wantProblem(api.CodeInvalid, "/name")
	}
	c.send("PUT", "/v1/projects/"+projectID, ``).want(400).wantProblem(api.CodeMalformed)
	if got := c.get("/v1/projects/names").want(200).body; !strings.Contains(got, `"Shop"`) {
		t.Errorf("got %s", got)
	}
}

func TestAnAPIKeySeesOnlyTheNamesOfItsProjects(t *testing.T) {
	f := newGuardedFarm(t)
	admin, tester := f.as(f.key(domain.Admin)), f.as(f.key(domain.Tester, project(t, otherProjectID)))
	admin.nameProject(projectID, "Shop").want(200)
	admin.nameProject(otherProjectID, "Bank").want(200)
	f.addUser("alice", projectID)
	for _, path := range []string{"/v1/projects", "/v1/projects/names"} {
		if got := tester.get(path).want(200).body; !strings.Contains(got, `"Bank"`) || strings.Contains(got, projectID) {
			t.Errorf("GET %s: got %s", path, got)
		}
	}
	tester.nameProject(otherProjectID, "x").want(403).wantProblem(api.CodeForbidden)
	f.as(f.key(domain.Admin, project(t, otherProjectID))).nameProject(otherProjectID, "shop").want(409)
}
