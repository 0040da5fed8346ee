package http_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/userfarm/userfarm/adapters/http/internal/api"
)

func TestAUserIsCreatedAndRead(t *testing.T) {
	c := newClient(t)
	password := newPassword()
	created := c.post("/v1/users", `{"login":"alice","password":"`+password+`","project_id":"`+projectID+
		`","env":"staging","domain":"shop.example.com","labels":{"role":"admin"}}`).want(201)
	var user api.User
	created.into(&user)

	want := fmt.Sprintf(`{"user_id":"%s","created_at":"%s","login":"alice","project_id":"%s","env":"staging",`+
		`"domain":"shop.example.com","labels":{"role":"admin"},"has_totp":false,"status":"free","lock":null,"quarantine":null}`,
		user.UserID, user.CreatedAt.Format(time.RFC3339Nano), projectID)
	if created.body != want {
		t.Errorf("got %s, want %s", created.body, want)
	}
	if location := created.header.Get("Location"); location != "/v1/users/"+user.UserID {
		t.Errorf("got the location %q", location)
	}
	if read := c.get("/v1/users/" + user.UserID).want(200); read.body != want {
		t.Errorf("got %s, want %s", read.body, want)
	}
}

func TestALockedUserShowsItsHolderAndNoSecret(t *testing.T) {
	c := newClient(t)
	alice, password := c.newUser("alice", nil)
	lease := c.acquire(`{"users":[{}],"owner":"ci-1","note":"n"}`)
	got := c.get("/v1/users/" + alice.UserID).want(200)
	var user api.User
	got.into(&user)
	want := api.Lock{Owner: "ci-1", Note: "n", AcquiredAt: lease.AcquiredAt, ExpiresAt: &lease.ExpiresAt, Fence: 1}
	if user.Status != api.StatusLocked || user.Lock == nil || encode(t, user.Lock) != encode(t, want) {
		t.Errorf("got %s", got.body)
	}
	if strings.Contains(got.body, password) || strings.Contains(got.body, lease.LeaseID) {
		t.Error("the user shows a secret")
	}
}

func TestAnOpenLockHasNoOwnerAndNoExpiry(t *testing.T) {
	c := newClient(t)
	alice, _ := c.newUser("alice", nil)
	c.post("/acquire_lock", `{"user_id":"`+alice.UserID+`"}`).want(200)
	got := c.get("/v1/users/" + alice.UserID).want(200)
	var user api.User
	got.into(&user)
	if user.Lock == nil || user.Lock.Owner != "" || user.Lock.ExpiresAt != nil {
		t.Errorf("got %s", got.body)
	}
}

func TestALoginIsTakenInItsProjectAndEnvironment(t *testing.T) {
	c := newClient(t)
	c.newUser("alice", nil)
	c.post("/v1/users", `{"login":"alice","password":"x","project_id":"`+projectID+`","env":"staging","domain":"other"}`).
		want(409).wantProblem(api.CodeUserExists)
	c.post("/v1/users", `{"login":"alice","password":"x","project_id":"`+projectID+`","env":"production","domain":"other"}`).
		want(201)
}

func TestALoginIsTakenInAnySpelling(t *testing.T) {
	c := newClient(t)
	c.newUser("Zo\u00eb@Example.com", nil)
	for _, spelling := range []string{"zo\u00eb@example.com", "ZOE\u0308@EXAMPLE.COM", "Zoe\u0308@Example.com"} {
		c.post("/v1/users", `{"login":"`+spelling+`","password":"x","project_id":"`+projectID+`","env":"staging","domain":"other"}`).
			want(409).wantProblem(api.CodeUserExists)
		if got := c.get("/v1/users?login=" + url.QueryEscape(spelling)).want(200); !strings.Contains(got.body, "Zo\u00eb@Example.com") {
			t.Errorf("%+q finds %s", spelling, got.body)
		}
	}
}

func TestALoginWithSomethingInvisibleAtAnEndIsRejectedByName(t *testing.T) {
	c := newClient(t)
	for login, name := range map[string]string{"\u200bann": "U+200B ZERO WIDTH SPACE", "ann ": "U+0020 SPACE", "\u00a0ann": "U+00A0 NO-BREAK SPACE"} {
		body := `{"login":"` + login + `","password":"x","project_id":"` + projectID + `","env":"staging","domain":"other"}`
		for _, path := range []string{"/v1/users", "/create_user"} {
			got := c.post(path, body).want(422)
			if got.wantProblem(api.CodeInvalid, "/login"); !strings.Contains(got.body, name) {
				t.Errorf("%s of %+q answers %s", path, login, got.body)
			}
		}
	}
}

func TestAnInvalidUserIsRejected(t *testing.T) {
	c := newClient(t)
	ok := `"password":"p","project_id":"` + projectID + `","env":"e","domain":"d"`
	tests := []struct {
		name, body string
		pointers   []string
	}{
		{"nothing", `{}`, []string{"/login", "/password", "/project_id", "/env", "/domain"}},
		{"empty", `{"login":"","password":"","project_id":"","env":"","domain":""}`,
			[]string{"/login", "/password", "/project_id", "/env", "/domain"}},
		{"an unreadable member and broken rules", `{"login":"x\n","password":1,"project_id":"` + projectID + `","env":"e","domain":"d"}`,
			[]string{"/password", "/login"}},
		{"null", `{"login":null,"labels":null,` + ok + `}`, []string{"/login", "/labels"}},
		{"of the wrong types", `{"login":1,"password":[],"project_id":{},"env":true,"domain":1.5,"labels":"x"}`,
			[]string{"/login", "/password", "/project_id", "/env", "/domain", "/labels"}},
		{"with labels of the wrong types", `{"login":"a","labels":{"a":1,"b":null,"c":"d"},` + ok + `}`,
			[]string{"/labels/a", "/labels/b"}},
		{"with unknown members", `{"login":"a","secret":"x","a/b":1,` + ok + `}`, []string{"/secret", "/a~1b"}},
		{"with the nil UUID as the project", `{"login":"a","password":"p","project_id":"00000000-0000-0000-0000-000000000000","env":"e","domain":"d"}`,
			[]string{"/project_id"}},
		{"with a login that is too long", `{"login":"` + strings.Repeat("é", 256) + `",` + ok + `}`, []string{"/login"}},
		{"with a control character", `{"login":"a\nb",` + ok + `}`, []string{"/login"}},
		{"an array", `[]`, []string{""}},
		{"a number", `1`, []string{""}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := c.in(t)
			c.post("/v1/users", test.body).want(422).wantProblem(api.CodeInvalid, test.pointers...)
		})
	}
}

func TestAUserIsChanged(t *testing.T) {
	c := newClient(t)
	alice, _ := c.newUser("alice", map[string]string{"role": "admin"})
	path := "/v1/users/" + alice.UserID
	lease := c.acquire(`{"users":[{}]}`)

	password := newPassword()
	var user api.User
	c.send("PATCH", path, `{"password":"`+password+`"}`).want(200).into(&user)
	if user.Labels["role"] != "admin" {
		t.Errorf("a new password changed the labels to %v", user.Labels)
	}
	user = api.User{}
	c.send("PATCH", path, `{"labels":{"plan":"free"}}`).want(200).into(&user)
	if encode(t, user.Labels) != `{"plan":"free"}` {
		t.Errorf("got the labels %v", user.Labels)
	}
	var seen api.Lease
	c.get("/v1/leases/" + lease.LeaseID).want(200).into(&seen)
	if seen.Users[0].Password != password {
		t.Error("the holder does not see the new password")
	}
	c.send("PATCH", path, `{}`).want(200)
	user = api.User{}
	c.send("PATCH", path, `{"labels":{}}`).want(200).into(&user)
	if len(user.Labels) != 0 {
		t.Errorf("got the labels %v, want none", user.Labels)
	}
}

func TestAnInvalidChangeIsRejected(t *testing.T) {
	c := newClient(t)
	alice, _ := c.newUser("alice", nil)
	path := "/v1/users/" + alice.UserID
	c.send("PATCH", path, `{"password":"","labels":{"-":""}}`).want(422).wantProblem(api.CodeInvalid, "/password", "/labels/-")
	c.send("PATCH", path, `{"login":"bob"}`).want(422).wantProblem(api.CodeInvalid, "/login")
	c.send("PATCH", path, `{"labels":null}`).want(422).wantProblem(api.CodeInvalid, "/labels")
	c.send("PATCH", "/v1/users/nobody", `{"labels":null}`).want(422).wantProblem(api.CodeInvalid, "/user_id", "/labels")
}

func TestAUserIsRemovedUnlessItIsLocked(t *testing.T) {
	c := newClient(t)
	alice, _ := c.newUser("alice", nil)
	path := "/v1/users/" + alice.UserID
	lease := c.acquire(`{"users":[{}]}`)
	c.send("DELETE", path, "").want(409).wantProblem(api.CodeUserLocked)
	c.post("/v1/leases/"+lease.LeaseID+"/release", "").want(204)
	if got := c.send("DELETE", path, "").want(204); got.body != "" {
		t.Errorf("got a body: %s", got.body)
	}
	c.get(path).want(404).wantProblem(api.CodeUserNotFound)
}

func TestAUserIsCreatedChangedAndRemovedWithReasons(t *testing.T) {
	c := newClient(t)
	var alice api.User
	body := `{"login":"alice","password":"` + newPassword() + `","project_id":"` + projectID + `","env":"e","domain":"d","reason":"for the checkout"}`
	created := c.post("/v1/users", body).want(201)
	created.into(&alice)
	path := "/v1/users/" + alice.UserID
	read := c.get(path).want(200)
	changed := c.send("PATCH", path, `{"labels":{"role":"admin"},"reason":"needs more rights"}`).want(200)
	c.send("PATCH", path, `{"labels":{"role":"admin"},"reason":"changes nothing"}`).want(200)
	c.send("PATCH", path, `{"labels":{},"reason":""}`).want(200)
	c.send("DELETE", path+"?reason=a+%26+b%3D%C3%BC", "").want(204)
	c.wantEvents("user_id="+alice.UserID,
		"created: for the checkout", "changed: needs more rights", "changed", "removed: a & b=\u00fc")
	for _, got := range []answer{created, read, changed} {
		if strings.Contains(got.body, "reason") {
			t.Errorf("a user shows the reason of a change: %s", got.body)
		}
	}

	for _, query := range []string{"", "?", "?reason="} {
		bob, _ := c.newUser("bob", nil)
		c.send("DELETE", "/v1/users/"+bob.UserID+query, "").want(204)
		c.wantEvents("user_id="+bob.UserID, "created", "removed")
	}
	carol, _ := c.newUser("carol", nil)
	longest := strings.Repeat("\U0001f642", 1024) // of what is longest when it is percent-encoded
	c.send("DELETE", "/v1/users/"+carol.UserID+"?reason="+url.QueryEscape(longest), "").want(204)
	c.wantEvents("user_id="+carol.UserID, "created", "removed: "+longest)
}

func TestABadReasonOfAUserIsRejected(t *testing.T) {
	c := newClient(t)
	alice, _ := c.newUser("alice", nil)
	path := "/v1/users/" + alice.UserID
	for _, reason := range []string{`1`, `null`, `"a\u0000b"`, `"` + strings.Repeat("x", 1025) + `"`} {
		body := `{"login":"bob","password":"` + newPassword() + `","project_id":"` + projectID + `","env":"e","domain":"d","reason":` + reason + `}`
		c.post("/v1/users", body).want(422).wantProblem(api.CodeInvalid, "/reason")
		c.send("PATCH", path, `{"labels":{"role":"admin"},"reason":`+reason+`}`).want(422).wantProblem(api.CodeInvalid, "/reason")
	}
	c.post("/v1/users", `{"login":"bob","reason":"a\nb"}`).want(422).
		wantProblem(api.CodeInvalid, "/password", "/project_id", "/env", "/domain", "/reason")
	for query, pointers := range map[string][]string{
		"reason=a%00b": {"/reason"}, "reason=%ff": {"/reason"}, "reason=" + strings.Repeat("x", 1025): {"/reason"}, "reason=a&reason=b": {"/reason"},
		"why=a": {"/why"}, "reason=a&login=b": {"/login"}, "reason=%zz": {""},
	} {
		c.send("DELETE", path+"?"+query, "").want(422).wantProblem(api.CodeInvalid, pointers...)
	}
	c.send("DELETE", "/v1/users/nobody?why=a", "").want(422).wantProblem(api.CodeInvalid, "/user_id", "/why")
	c.get(path+"?reason=a").want(422).wantProblem(api.CodeInvalid, "/reason")
	c.wantEvents("", "created")
}

func TestLegacyRoutesTakeNoReason(t *testing.T) {
	c := newClient(t)
	c.post("/create_user", `{"login":"alice","password":"`+newPassword()+`","project_id":"`+projectID+`","env":"e","domain":"d","reason":"r"}`).want(200)
	c.wantEvents("", "created")
}

func TestAnUnknownUserIsNotFound(t *testing.T) {
	c := newClient(t)
	for _, r := range farmRequests {
		if !strings.HasPrefix(r.path, "/v1/users/"+someID) {
			continue
		}
		t.Run(r.method+" "+r.path, func(t *testing.T) {
			c := c.in(t)
			c.send(r.method, r.path, r.body).want(404).wantProblem(api.CodeUserNotFound)
			nonsense := strings.Replace(r.path, someID, "nonsense", 1)
			c.send(r.method, nonsense, r.body).want(422).wantProblem(api.CodeInvalid, "/user_id")
		})
	}
}

func TestUsersAreListedPageByPage(t *testing.T) {
	c := newClient(t)
	for i := range 5 {
		c.newUser(fmt.Sprint("user-", i), nil)
	}
	for path, want := range map[string]string{
		"/v1/users?limit=2":            "user-0 user-1 user-2 user-3 user-4",
		"/v1/users?limit=2&order=desc": "user-4 user-3 user-2 user-1 user-0",
	} {
		var logins []string
		pages := 0
		for next := path; next != ""; pages++ {
			var page api.UserPage
			c.get(next).want(200).into(&page)
			for _, u := range page.Users {
				logins = append(logins, u.Login)
			}
			next = ""
			if page.NextCursor != nil {
				next = path + "&cursor=" + *page.NextCursor
			}
		}
		if got := strings.Join(logins, " "); got != want || pages != 3 {
			t.Errorf("got %s on %d pages, want %s", got, pages, want)
		}
	}
}

func TestAListThatFitsOnOnePageHasNoCursor(t *testing.T) {
	c := newClient(t)
	if got := c.get("/v1/users").want(200).body; got != `{"users":[],"next_cursor":null}` {
		t.Errorf("got %s", got)
	}
}

func TestUsersAreFiltered(t *testing.T) {
	c := newClient(t)
	c.newUser("admin", map[string]string{"role": "admin", "plan": "free", "url": "a:b"})
	c.newUser("editor", map[string]string{"role": "editor", "plan": "free", "none": ""})
	broken, _ := c.newUser("broken", nil)
	c.post("/v1/users/"+broken.UserID+"/quarantine", `{"reason":"r"}`).want(200)
	c.acquire(`{"users":[{"labels":{"role":"editor"}}],"owner":"ci-1"}`)
	lease := c.acquire(`{"users":[{"labels":{"role":"admin"}}],"owner":"ci-2"}`)
	c.post("/v1/leases/"+lease.LeaseID+"/release", "").want(204)
	tests := []struct{ query, logins string }{
		{"", "admin editor broken"},
		{"project_id=" + projectID, "admin editor broken"},
		{"project_id=" + someID, ""},
		{"env=staging&domain=shop.example.com", "admin editor broken"},
		{"env=production", ""},
		{"domain=other", ""},
		{"login=admin", "admin"},
		{"status=free", "admin"},
		{"status=locked", "editor"},
		{"status=quarantined", "broken"},
		{"label=plan:free", "admin editor"},
		{"label=plan:free&label=role:admin", "admin"},
		{"label=plan:free&label=plan:free", "admin editor"},
		{"label=url:a:b", "admin"},
		{"label=none:", "editor"},
		{"label=role%3Aadmin", "admin"},
		{"limit=1000", "admin editor broken"},
		{"owner=ci-1", "editor"},
		{"owner=ci-1&status=free", ""},
		{"owner=ci-2", ""},
		{"order=asc", "admin editor broken"},
		{"order=desc", "broken editor admin"},
		{"order=desc&label=plan:free", "editor admin"},
	}
	for _, test := range tests {
		t.Run(test.query, func(t *testing.T) {
			c := c.in(t)
			var page api.UserPage
			c.get("/v1/users?" + test.query).want(200).into(&page)
			var logins []string
			for _, u := range page.Users {
				logins = append(logins, u.Login)
			}
			if got := strings.Join(logins, " "); got != test.logins {
				t.Errorf("got %q, want %q", got, test.logins)
			}
		})
	}
}

func TestAnInvalidFilterIsRejected(t *testing.T) {
	c := newClient(t)
	tests := []struct {
		query    string
		pointers []string
	}{
		{"limit=0", []string{"/limit"}},
		{"limit=1001", []string{"/limit"}},
		{"limit=abc", []string{"/limit"}},
		{"limit=", []string{"/limit"}},
		{"limit=1&limit=2", []string{"/limit"}},
		{"cursor=garbage", []string{"/cursor"}},
		{"cursor=AAAAAAAAAAAAAAAAAAAAAA", []string{"/cursor"}},
		{"project_id=shop", []string{"/project_id"}},
		{"project_id=00000000-0000-0000-0000-000000000000", []string{"/project_id"}},
		{"order=", []string{"/order"}},
		{"order=DESC", []string{"/order"}},
		{"order=asc&order=asc", []string{"/order"}},
		{"owner=", []string{"/owner"}},
		{"owner=%00", []string{"/owner"}},
		{"status=busy", []string{"/status"}},
		{"status=", []string{"/status"}},
		{"env=", []string{"/env"}},
		{"login=%ff", []string{"/login"}},
		{"domain=a%00b", []string{"/domain"}},
		{"label=role", []string{"/label"}},
		{"label=:admin", []string{"/label"}},
		{"label=role:admin&label=role:editor", []string{"/label"}},
		{"label=role:%00", []string{"/label"}},
		{"lable=role:admin", []string{"/lable"}},
		{"a/b~c", []string{"/a~1b~0c"}},
		{"limit=0&status=busy&user=x", []string{"/limit", "/status", "/user"}},
		{"env=%zz", []string{""}},
		{"env=a;b", []string{""}},
	}
	for _, test := range tests {
		t.Run(test.query, func(t *testing.T) {
			c := c.in(t)
			c.get("/v1/users?"+test.query).want(422).wantProblem(api.CodeInvalid, test.pointers...)
		})
	}
}
