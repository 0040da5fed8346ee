package http_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/userfarm/userfarm/adapters/http/internal/api"
	"github.com/userfarm/userfarm/domain"
)

func TestChangesOfKeysAndNamesAreInTheHistory(t *testing.T) {
	c := newKeyedClient(t)
	root := *c.events("/v1/events")[0].AboutKeyID
	created := c.post("/v1/keys", `{"name":"ci","role":"tester","projects":["`+projectID+`","`+otherProjectID+`"],"reason":"nightly tests"}`).want(201)
	var key api.CreatedKey
	created.into(&key)
	for range 2 {
		c.post("/v1/keys/"+key.KeyID+"/revoke", `{"reason":"it leaked"}`).want(200)
		c.send("PUT", "/v1/projects/"+projectID, `{"name":"Shop","reason":"a new name"}`).want(200)
	}
	c.nameProject(projectID, "").want(200)
	c.wantEvents("", "key_created", "key_created: nightly tests", "key_created: nightly tests", "key_revoked: it leaked",
		"key_revoked: it leaked", "project_named: a new name", "project_named")
	c.wantEvents("project_id="+otherProjectID, "key_created: nightly tests", "key_revoked: it leaked")
	c.wantEvents("kind=key_revoked&kind=project_named&project_id="+projectID, "key_revoked: it leaked", "project_named: a new name", "project_named")

	body := c.get("/v1/events").want(200).body
	for _, event := range []string{
		fmt.Sprintf(`"kind":"key_created","user_id":null,"login":"","project_id":"%s","env":"","domain":"","owner":"","note":"","fence":0,`+
			`"reason":"nightly tests","changed":[],"waited_seconds":0,"held_seconds":0,"want":[],"key":{"key_id":"%s","name":"root"},`+
			`"about_key_id":"%s","name":"ci"}`, projectID, root, key.KeyID),
		`"reason":"a new name","changed":[],"waited_seconds":0,"held_seconds":0,"want":[],"key":{"key_id":"` + root +
			`","name":"root"},"about_key_id":null,"name":"Shop"}`,
	} {
		if !strings.Contains(body, event) {
			t.Errorf("got %s, want an event with %s", body, event)
		}
	}
	if strings.Contains(body, key.Token) {
		t.Error("the history has a token")
	}
}

// wantEventsOf fails the test unless a caller's list, oldest and newest first, and its stream have these events.
func (c client) wantEventsOf(query string, want ...string) {
	c.t.Helper()
	c.wantEvents(query, want...)
	var stream []string
	reader := c.watch(query+"&since=2026-01-01T00:00:00Z", "")
	for range want {
		block := nextBlock(c.t, reader)
		_, kind, _ := strings.Cut(block, "event: ")
		kind, data, _ := strings.Cut(kind, "\n")
		if _, reason, _ := strings.Cut(data, `"reason":"`); !strings.HasPrefix(reason, `"`) {
			reason, _, _ = strings.Cut(reason, `"`)
			kind += ": " + reason
		}
		stream = append(stream, kind)
	}
	if got := strings.Join(stream, ", "); got != strings.Join(want, ", ") {
		c.t.Errorf("the stream has the events %s, want %s", got, strings.Join(want, ", "))
	}
}

func TestOnlyAdminsSeeEventsAboutKeys(t *testing.T) {
	f := newGuardedFarm(t)
	own, other := project(t, projectID), project(t, otherProjectID)
	admin := f.as(f.key(domain.Admin))
	tokens := map[domain.Role]string{domain.Viewer: f.key(domain.Viewer, own), domain.Tester: f.key(domain.Tester, own)}
	limited := f.as(f.key(domain.Admin, own))
	everywhere := f.as(f.key(domain.Viewer))
	var key api.CreatedKey
	admin.post("/v1/keys", `{"name":"both-shops","role":"viewer","projects":["`+projectID+`","`+otherProjectID+`"],"reason":"for-both"}`).into(&key)
	admin.send("PUT", "/v1/projects/"+projectID, `{"name":"Shop","reason":"a new name"}`).want(200)
	admin.send("PUT", "/v1/projects/"+otherProjectID, `{"name":"Bank","reason":"another"}`).want(200)
	admin.post("/v1/keys/"+key.KeyID+"/revoke", `{"reason":"not-for-both"}`).want(200)

	for role, token := range tokens {
		c := f.as(token)
		c.wantEventsOf("", "project_named: a new name")
		c.wantEventsOf("project_id="+projectID, "project_named: a new name")
		for _, query := range []string{"kind=key_created", "kind=key_revoked&order=desc", "kind=key_revoked&project_id=" + projectID} {
			c.wantEvents(query)
		}
		c.get("/v1/events?project_id=" + otherProjectID).want(403)
		c.get("/v1/events/stream?project_id=" + otherProjectID).want(403)
		if got := c.get("/v1/events?kind=key_created&kind=project_named").body; strings.Contains(got, key.KeyID) || strings.Contains(got, "both") {
			t.Errorf("a %s sees %s", role, got)
		}
	}
	everywhere.wantEventsOf("", "project_named: a new name", "project_named: another")
	everywhere.wantEventsOf("project_id="+otherProjectID, "project_named: another")

	// An admin of one project sees that the key was there, and not what it was called.
	limited.wantEventsOf("kind=key_revoked&kind=project_named", "project_named: a new name", "key_revoked")
	body := limited.get("/v1/events?kind=key_created&kind=key_revoked").want(200).body
	if !strings.Contains(body, key.KeyID) || strings.Contains(body, "both") || strings.Contains(body, other.String()) {
		t.Errorf("an admin of one project sees %s", body)
	}
	admin.wantEventsOf("kind=key_revoked&kind=project_named", "project_named: a new name", "project_named: another",
		"key_revoked: not-for-both", "key_revoked: not-for-both")
	if keys := admin.events("/v1/events?kind=key_created&project_id=" + otherProjectID); len(keys) != 1 || keys[0].Name != "both-shops" {
		t.Errorf("in the other project, %s", describeEvents(keys))
	}
}
