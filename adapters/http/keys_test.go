package http_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/userfarm/userfarm/adapters/http/internal/api"
)

// newKey makes an API key.
func (c client) newKey(body string) (key api.CreatedKey) {
	c.t.Helper()
	c.post("/v1/keys", body).want(201).into(&key)
	return key
}

// newKeyedClient returns the client of an empty farm that needs an API key. It has the key of an admin.
func newKeyedClient(t testing.TB) client {
	t.Helper()
	c := newClient(t)
	return c.as(c.newKey(`{"name":"root","role":"admin"}`).Token)
}

func TestAnAPIKeyIsCreatedAndRead(t *testing.T) {
	c := newKeyedClient(t)
	created := c.post("/v1/keys", `{"name":"ci","role":"tester","projects":["`+projectID+`"],"expires_in_seconds":3600}`).want(201)
	var key api.CreatedKey
	created.into(&key)

	var keys api.KeyPage
	c.get("/v1/keys").want(200).into(&keys)
	root := keys.Keys[0].KeyID
	fields := fmt.Sprintf(`"key_id":"%s","name":"ci","role":"tester","projects":["%s"],"status":"active","created_at":"%s",`+
		`"created_by":"%s","expires_at":"%s","revoked_at":null,"revoked_by":null,"last_used_at":null`,
		key.KeyID, projectID, key.CreatedAt.Format(time.RFC3339Nano), root, key.CreatedAt.Add(time.Hour).Format(time.RFC3339Nano))
	if want := `{` + fields + `,"token":"` + key.Token + `"}`; created.body != want {
		t.Errorf("got %s, want %s", created.body, want)
	}
	if location := created.header.Get("Location"); location != "/v1/keys/"+key.KeyID {
		t.Errorf("got the location %q", location)
	}
	if got := c.get("/v1/keys/" + key.KeyID).want(200).body; got != `{`+fields+`}` {
		t.Errorf("got %s, want %s", got, fields)
	}
}

func TestAnAPIKeyWithoutProjectsIsForAllAndOneWithoutAnEndNeverExpires(t *testing.T) {
	c := newKeyedClient(t)
	got := c.post("/v1/keys", `{"name":"alice","role":"admin"}`).want(201).body
	if !strings.Contains(got, `"projects":null`) || !strings.Contains(got, `"expires_at":null`) {
		t.Errorf("got %s", got)
	}
}

func TestAPIKeysAreListedPageByPage(t *testing.T) {
	c := newKeyedClient(t)
	for i := range 4 {
		c.newKey(fmt.Sprintf(`{"name":"key-%d","role":"viewer"}`, i))
	}
	var names []string
	path, pages := "/v1/keys?limit=2", 0
	for next := path; next != ""; pages++ {
		var page api.KeyPage
		c.get(next).want(200).into(&page)
		for _, key := range page.Keys {
			names = append(names, key.Name)
		}
		next = ""
		if page.NextCursor != nil {
			next = path + "&cursor=" + *page.NextCursor
		}
	}
	if got := strings.Join(names, " "); got != "root key-0 key-1 key-2 key-3" || pages != 3 {
		t.Errorf("got %s on %d pages", got, pages)
	}
}

func TestARevokedAPIKeyIsShownAndStaysRevoked(t *testing.T) {
	c := newKeyedClient(t)
	key := c.newKey(`{"name":"ci","role":"tester"}`)
	var revoked api.Key
	first := c.post("/v1/keys/"+key.KeyID+"/revoke", "").want(200)
	first.into(&revoked)
	if revoked.Status != api.KeyStatusRevoked || revoked.RevokedAt == nil {
		t.Errorf("got %s", first.body)
	}
	if again := c.post("/v1/keys/"+key.KeyID+"/revoke", "").want(200); again.body != first.body {
		t.Errorf("got %s, want %s", again.body, first.body)
	}
	if read := c.get("/v1/keys/" + key.KeyID).want(200); read.body != first.body {
		t.Errorf("got %s, want %s", read.body, first.body)
	}
	c.as(key.Token).get("/v1/users").want(401).wantProblem(api.CodeUnauthorized)
}

func TestAnInvalidAPIKeyIsRejected(t *testing.T) {
	c := newKeyedClient(t)
	const ok = `"name":"ci","role":"viewer"`
	tests := []struct {
		name, body string
		pointers   []string
	}{
		{"nothing", `{}`, []string{"/name", "/role"}},
		{"empty", `{"name":"","role":""}`, []string{"/name", "/role"}},
		{"of the wrong types", `{"name":1,"role":[],"projects":"x","expires_in_seconds":"1"}`,
			[]string{"/name", "/role", "/projects", "/expires_in_seconds"}},
		{"of an unknown role", `{"name":"ci","role":"root"}`, []string{"/role"}},
		{"without any project", `{` + ok + `,"projects":[]}`, []string{"/projects"}},
		{"with null for all projects", `{` + ok + `,"projects":null}`, []string{"/projects"}},
		{"with invalid projects", `{` + ok + `,"projects":["` + projectID + `","shop",1]}`,
			[]string{"/projects/2", "/projects/1"}},
		{"with the nil UUID as a project", `{` + ok + `,"projects":["00000000-0000-0000-0000-000000000000"]}`, []string{"/projects/0"}},
		{"for 0 seconds", `{` + ok + `,"expires_in_seconds":0}`, []string{"/expires_in_seconds"}},
		{"for a negative time", `{` + ok + `,"expires_in_seconds":-1}`, []string{"/expires_in_seconds"}},
		{"for more than ten years", `{` + ok + `,"expires_in_seconds":315360001}`, []string{"/expires_in_seconds"}},
		{"with a reason that is too long", `{` + ok + `,"reason":"` + strings.Repeat("x", 1025) + `"}`, []string{"/reason"}},
		{"with a reason with control characters", `{"name":"","role":"root","reason":"a\u0000"}`, []string{"/name", "/role", "/reason"}},
		{"with a name that is too long", `{"name":"` + strings.Repeat("x", 256) + `","role":"viewer"}`, []string{"/name"}},
		{"with an unreadable member and broken rules", `{"name":"a\u0000","role":"root","token":"x"}`,
			[]string{"/token", "/name", "/role"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := c.in(t)
			c.post("/v1/keys", test.body).want(422).wantProblem(api.CodeInvalid, test.pointers...)
		})
	}
	c.get("/v1/keys/x").want(422).wantProblem(api.CodeInvalid, "/key_id")
	c.post("/v1/keys/x/revoke", "").want(422).wantProblem(api.CodeInvalid, "/key_id")
	for _, reason := range []string{`"` + strings.Repeat("x", 1025) + `"`, `1`} {
		c.post("/v1/keys/x/revoke", `{"reason":`+reason+`}`).want(422).wantProblem(api.CodeInvalid, "/key_id", "/reason")
	}
	c.post("/v1/keys/"+someID+"/revoke", `{"why":"x"}`).want(422).wantProblem(api.CodeInvalid, "/why")
	c.get("/v1/keys/" + someID).want(404).wantProblem(api.CodeKeyNotFound)
	c.post("/v1/keys/"+someID+"/revoke", "").want(404).wantProblem(api.CodeKeyNotFound)
	c.get("/v1/keys?limit=0&cursor=x&role=admin").want(422).wantProblem(api.CodeInvalid, "/cursor", "/limit", "/role")
	c.post("/v1/keys?limit=1", `{`+ok+`}`).want(422).wantProblem(api.CodeInvalid, "/limit")
}

func TestAnEventHasTheAPIKeyOfItsCaller(t *testing.T) {
	c := newClient(t)
	c.newUser("alice", nil)
	root := c.newKey(`{"name":"root","role":"admin"}`)
	c = c.as(root.Token)
	bob, _ := c.newUser("bob", nil)
	ci := c.newKey(`{"name":"ci","role":"tester"}`)
	c.as(ci.Token).acquire(`{"users":[{"user_id":"` + bob.UserID + `"}]}`)

	var keys []string
	for _, event := range c.events("/v1/events") {
		if event.Key == nil {
			keys = append(keys, "none")
		} else {
			keys = append(keys, event.Key.Name+" "+event.Key.KeyID)
		}
	}
	if got, want := strings.Join(keys, ", "), "none, none, root "+root.KeyID+", root "+root.KeyID+", ci "+ci.KeyID; got != want {
		t.Errorf("got events of the keys %s, want %s", got, want)
	}
}
