package http_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/userfarm/userfarm/adapters/http/internal/api"
)

func TestLegacyPingAnswers(t *testing.T) {
	if got := newClient(t).get("/ping").want(200).body; got != `{"test":"ok"}` {
		t.Errorf("got %s", got)
	}
}

func TestLegacyUsersAreCreatedAndListed(t *testing.T) {
	c := newClient(t)
	if got := c.get("/get_users").want(200).body; got != `[]` {
		t.Errorf("an empty farm lists %s", got)
	}
	created := make([]string, 3)
	for i := range created {
		login, password := fmt.Sprint("user-", i), newPassword()
		got := c.post("/create_user", `{"login":"`+login+`","password":"`+password+`","domain":"shop.example.com",`+
			`"project_id":"`+projectID+`","env":"staging","unknown":{"fields":["are","ignored"]}}`).want(200)
		want := `^\{"user_id":"[0-9a-f-]{36}","created_ad":"\d{4}-\d\d-\d\d","login":"` + login + `","password":"` + password +
			`","project_id":"` + projectID + `","env":"staging","domain":"shop\.example\.com","locktime":0\.0\}$`
		if !regexp.MustCompile(want).MatchString(got.body) {
			t.Fatalf("got %s, want %s", got.body, want)
		}
		if got.header.Get("Cache-Control") != "no-store" {
			t.Error("a password may be cached")
		}
		created[i] = got.body
	}
	list := c.get("/get_users").want(200)
	if want := "[" + strings.Join(created, ",") + "]"; list.body != want {
		t.Errorf("got %s, want %s", list.body, want)
	}
	if list.header.Get("Cache-Control") != "no-store" {
		t.Error("passwords may be cached")
	}
}

func TestLegacyRoutesLockAndReleaseUsers(t *testing.T) {
	c := newClient(t)
	alice, _ := c.newUser("alice", nil)
	broken, _ := c.newUser("broken", nil)
	leased, _ := c.newUser("leased", nil)
	c.post("/v1/users/"+broken.UserID+"/quarantine", `{"reason":"r"}`).want(200)
	c.acquire(`{"users":[{"user_id":"` + leased.UserID + `"}]}`)

	const unixTime = `\d{10}\.\d{6}`
	tests := []struct {
		name, route, user string
		status            int
		locktime, text    string
	}{
		{"release a free user", "/release_lock", alice.UserID, 200, `0\.0`, "user had already been free"},
		{"acquire a free user", "/acquire_lock", alice.UserID, 200, unixTime, "done"},
		{"acquire a locked user", "/acquire_lock", alice.UserID, 409, "null", "user had already been locked"},
		{"release it", "/release_lock", alice.UserID, 200, `0\.0`, "done"},
		{"acquire it again", "/acquire_lock", alice.UserID, 200, unixTime, "done"},
		{"acquire a quarantined user", "/acquire_lock", broken.UserID, 409, "null", "user is quarantined"},
		{"acquire a user held by a /v1 lease", "/acquire_lock", leased.UserID, 409, "null", "user had already been locked"},
		{"release a user held by a /v1 lease", "/release_lock", leased.UserID, 409, "null", "user is held by a lease"},
		{"acquire an unknown user", "/acquire_lock", someID, 404, "null", "user not found"},
		{"release an unknown user", "/release_lock", someID, 404, "null", "user not found"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := c.in(t)
			got := c.post(test.route, `{"user_id":"`+test.user+`"}`).want(test.status)
			want := `^\{"user":"` + test.user + `","locktime":` + test.locktime + `,"status":"` + test.text + `"\}$`
			if !regexp.MustCompile(want).MatchString(got.body) {
				t.Errorf("got %s, want %s", got.body, want)
			}
		})
	}
	list := c.get("/get_users").want(200).body
	if locked := regexp.MustCompile(`"locktime":`+unixTime+`\}`).FindAllString(list, -1); len(locked) != 2 {
		t.Errorf("%d users have a locktime, want those of the open lock and of the lease", len(locked))
	}
}

func TestALegacyLockHasItsTime(t *testing.T) {
	c := newClient(t)
	alice, _ := c.newUser("alice", nil)
	locktime := regexp.MustCompile(`"locktime":[0-9.]+`)
	answered := locktime.FindString(c.post("/acquire_lock", `{"user_id":"`+alice.UserID+`"}`).want(200).body)
	if listed := locktime.FindString(c.get("/get_users").want(200).body); listed != answered {
		t.Errorf("the list has %s, the answer %s", listed, answered)
	}
}

func TestALegacyLoginIsTaken(t *testing.T) {
	c := newClient(t)
	c.newUser("alice", nil)
	body := `{"login":"alice","password":"x","domain":"other","project_id":"` + projectID + `","env":"staging"}`
	c.post("/create_user", body).want(409).wantProblem(api.CodeUserExists)
	c.post("/create_user", strings.Replace(body, "alice", "ALICE", 1)).want(409).wantProblem(api.CodeUserExists)
	c.post("/create_user", strings.Replace(body, "staging", "production", 1)).want(200)
}

func TestMissingAndMalformedLegacyFieldsAreRejected(t *testing.T) {
	c := newClient(t)
	all := []string{"/login", "/password", "/domain", "/project_id", "/env"}
	tests := []struct {
		name, contentType, path, body string
		pointers                      []string
	}{
		{"no body", "", "/create_user", "", all},
		{"an empty object", "application/json", "/create_user", "{}", all},
		{"fields that are empty", "application/json", "/create_user",
			`{"login":"","password":"","domain":"","project_id":"","env":""}`, all},
		{"fields that are not strings", "application/json", "/create_user",
			`{"login":1,"password":null,"domain":[],"project_id":{},"env":true}`, all},
		{"a project that is no UUID", "application/json", "/create_user",
			`{"login":"a","password":"b","domain":"c","project_id":"shop","env":"d"}`, []string{"/project_id"}},
		{"fields that the domain rejects", "application/json", "/create_user",
			`{"login":"a\u0000","password":"b","domain":"c","project_id":"` + projectID + `","env":"` + strings.Repeat("x", 256) + `"}`,
			[]string{"/login", "/env"}},
		{"no user", "application/json", "/acquire_lock", `{}`, []string{"/user_id"}},
		{"a user that is no UUID", "application/json", "/release_lock", `{"user_id":"alice"}`, []string{"/user_id"}},
		{"a user in a form that is no UUID", "application/x-www-form-urlencoded", "/release_lock", "user_id=", []string{"/user_id"}},
		{"broken JSON", "application/json", "/acquire_lock", `{"user_id":`, []string{""}},
		{"JSON that is no object", "application/json", "/acquire_lock", `["user_id"]`, []string{""}},
		{"a broken form", "application/x-www-form-urlencoded", "/acquire_lock", `user_id=%zz`, []string{""}},
		{"a broken multipart form", "multipart/form-data; boundary=x", "/acquire_lock", `user_id`, []string{""}},
		{"a multipart form without a boundary", "multipart/form-data", "/acquire_lock", `user_id`, []string{""}},
		{"a broken query", "", "/acquire_lock?user_id=%zz", ``, []string{""}},
		{"a body of another type", "text/plain", "/acquire_lock", `user_id=` + someID, []string{"/user_id"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := c.in(t)
			c.sendAs(test.contentType, "POST", test.path, test.body).want(422).wantProblem(api.CodeInvalid, test.pointers...)
		})
	}
}

func TestLegacyFieldsMayBeInBodyOrQuery(t *testing.T) {
	c := newClient(t)
	multipart := "--b\r\nContent-Disposition: form-data; name=\"user_id\"\r\n\r\n" + someID + "\r\n--b--\r\n"
	tests := []struct{ name, contentType, query, body string }{
		{"a JSON body", "application/json", "", `{"user_id":"` + someID + `"}`},
		{"a JSON body with the content type of a form, as from curl", "application/x-www-form-urlencoded", "", `{"user_id":"` + someID + `"}`},
		{"a JSON body without a content type", "", "", ` {"user_id":"` + someID + `"}`},
		{"a form", "application/x-www-form-urlencoded", "", "user_id=" + someID},
		{"a multipart form", "multipart/form-data; boundary=b", "", multipart},
		{"the query", "", "?user_id=" + someID, ""},
		{"the query with another field in the body", "application/json", "?user_id=" + someID, `{"other":1}`},
		{"the body, with another value in the query", "application/json", "?user_id=nonsense", `{"user_id":"` + someID + `"}`},
		{"the last of two members", "application/json", "", `{"user_id":"nonsense","user_id":"` + someID + `"}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := c.in(t)
			c.sendAs(test.contentType, "POST", "/acquire_lock"+test.query, test.body).want(404)
		})
	}
	c.post("/acquire_lock?user_id="+someID, `{"user_id":""}`).want(422)
}

func TestALegacyIDMayComeInAnyFormOfAUUID(t *testing.T) {
	c := newClient(t)
	user, _ := c.newUser("ann", nil)
	for _, form := range []string{strings.ReplaceAll(user.UserID, "-", ""), "urn:uuid:" + user.UserID, strings.ToUpper(user.UserID)} {
		want := fmt.Sprintf(`{"user":%q,"locktime":0.0,"status":"user had already been free"}`, user.UserID)
		if got := c.post("/release_lock", fmt.Sprintf(`{"user_id":%q}`, form)).want(200); got.body != want {
			t.Errorf("%s: got %s, want %s", form, got.body, want)
		}
	}
}
