package http_test

import (
	nethttp "net/http"
	"strings"
	"testing"

	"github.com/userfarm/userfarm/adapters/http/internal/api"
)

func TestABodyThatIsNotJSONIsMalformed(t *testing.T) {
	c := newClient(t)
	tests := []struct{ name, body, detail string }{
		{"nothing", "", "The body is empty. Send a JSON object."},
		{"white space", " \n", "The body is not JSON: it breaks off or goes wrong at byte 2."},
		{"text", "users", "The body is not JSON: it breaks off or goes wrong at byte 0."},
		{"half an object", `{"users":[{}]`, "The body is not JSON: it breaks off or goes wrong at byte 13."},
		{"two objects", `{"users":[{}]}{}`, "The body is not JSON: it breaks off or goes wrong at byte 14."},
		{"a form", "users=1", "The body is not JSON: it breaks off or goes wrong at byte 0."},
		{"a comma too many", `{"users":[{},]}`, "The body is not JSON: it breaks off or goes wrong at byte 12."},
		{"a member twice", `{"users":[{}],"users":[{}]}`, "The body has a member twice, at byte 14."},
		{"a member of a selector twice", `{"users":[{"env":"a","env":"b"}]}`, "The body has a member twice, at byte 21."},
		{"an unknown member twice", `{"users":[{}],"x":{"a":1,"a":2}}`, "The body has a member twice, at byte 25."},
		{"a label twice", `{"users":[{"labels":{"a":"1","a":"2"}}]}`, "The body has a member twice, at byte 29."},
		{"bytes that are not UTF-8", "{\"users\":[{}],\"owner\":\"\xff\"}", "The body is not JSON: it breaks off or goes wrong at byte 23."},
		{"half a surrogate", `{"users":[{}],"owner":"\ud800"}`, "The body is not JSON: it breaks off or goes wrong at byte 23."},
		{"endless nesting", strings.Repeat("[", 20000), "The body is not JSON: it breaks off or goes wrong at byte 10000."},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := c.in(t)
			got := c.sendAs("application/json", "POST", "/v1/leases", test.body).want(400)
			if problem := got.wantProblem(api.CodeMalformed); problem.Detail != test.detail {
				t.Errorf("got %q, want %q", problem.Detail, test.detail)
			}
		})
	}
}

func TestAMalformedBodyIsNotQuoted(t *testing.T) {
	c := newClient(t)
	password := newPassword()
	for _, body := range []string{
		`{"password":"` + password, password, `{"` + password + `":1,"` + password + `":2}`, `{"password":` + password + `}`,
	} {
		if got := c.post("/v1/users", body).want(400); strings.Contains(got.body, password) {
			t.Errorf("the answer has the password")
		}
	}
}

func TestABodyWithoutTheMediaTypeOfJSONIsRejected(t *testing.T) {
	c := newClient(t)
	for _, contentType := range []string{"", "text/plain", "application/x-www-form-urlencoded", "json", "application/json-patch+json"} {
		c.sendAs(contentType, "POST", "/v1/leases", `{"users":[{}]}`).want(415).wantProblem(api.CodeUnsupportedMediaType)
		c.sendAs(contentType, "POST", "/v1/users/"+someID+"/restore", `{}`).want(415).wantProblem(api.CodeUnsupportedMediaType)
	}
	for _, contentType := range []string{"application/json; charset=utf-8", "Application/JSON"} {
		c.sendAs(contentType, "POST", "/v1/leases", `{"users":[{}]}`).want(404).wantProblem(api.CodeNoMatch, "/users/0")
	}
}

func TestACompressedBodyIsRejected(t *testing.T) {
	c := newClient(t)
	req, err := nethttp.NewRequest("POST", c.url+"/v1/leases", strings.NewReader("\x1f\x8b\x08"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Content-Encoding", "gzip")
	c.do(req).want(415).wantProblem(api.CodeUnsupportedMediaType)
}

func TestEveryBadMemberIsNamedWhereItIs(t *testing.T) {
	c := newClient(t)
	tests := []struct {
		name, body string
		pointers   []string
	}{
		{"null for a selector", `{"users":[null,{}]}`, []string{"/users/0"}},
		{"selectors that are not objects", `{"users":[{},"x",[],1]}`, []string{"/users/1", "/users/2", "/users/3"}},
		{"selectors that are not a list", `{"users":{}}`, []string{"/users"}},
		{"null", `{"users":[{}],"owner":null,"ttl_seconds":null}`, []string{"/owner", "/ttl_seconds"}},
		{"numbers that are not whole", `{"users":[{}],"ttl_seconds":1.5,"wait_seconds":1e3}`, []string{"/ttl_seconds", "/wait_seconds"}},
		{"a number as text", `{"users":[{}],"ttl_seconds":"60"}`, []string{"/ttl_seconds"}},
		{"unknown members at all depths", `{"users":[{"role":"admin"},{"labels":{"role":"admin"},"id":{"a":[1]}}],"own":1}`,
			[]string{"/users/0/role", "/users/1/id", "/own"}},
		{"names in another case", `{"Users":[{}]}`, []string{"/Users", "/users"}},
		{"types, unknown members and rules", `{"users":[{"env":1,"domain":"","x":1}],"owner":1,"wait_seconds":61}`,
			[]string{"/users/0/env", "/users/0/x", "/owner", "/users/0/domain", "/wait_seconds"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := c.in(t)
			c.post("/v1/leases", test.body).want(422).wantProblem(api.CodeInvalid, test.pointers...)
		})
	}
}

func TestARouteWithoutParametersRejectsThem(t *testing.T) {
	c := newClient(t)
	for _, r := range farmRequests {
		if strings.HasPrefix(r.path, "/v1/") && r.path != "/v1/users" && !strings.HasPrefix(r.path, "/v1/events") {
			c.send(r.method, r.path+"?dry_run=1&a=%62", r.body).want(422).wantProblem(api.CodeInvalid, "/a", "/dry_run")
			c.send(r.method, r.path+"?%zz", r.body).want(422).wantProblem(api.CodeInvalid, "")
			c.send(r.method, r.path+"?", r.body)
		}
	}
	c.post("/v1/users?env=x", `{}`).want(422).wantProblem(api.CodeInvalid, "/env")
}
