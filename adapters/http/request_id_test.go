package http_test

import (
	"io"
	"log/slog"
	nethttp "net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/userfarm/userfarm/domain"
)

var newRequestID = regexp.MustCompile(canonicalUUID)

func TestARequestKeepsItsID(t *testing.T) {
	c := newClient(t)
	for _, id := range []string{"a", "ci-4711_worker.3", strings.Repeat("x", 64), "0b7ac7b2-6e7c-4d5f-9a3e-2f8f3c1d9e54"} {
		for _, path := range []string{"/ping", "/v1/users", "/nothing"} {
			got := c.sendWith(nethttp.Header{"X-Request-Id": {id}}, "GET", path, "")
			if answered := got.header.Values("X-Request-Id"); len(answered) != 1 || answered[0] != id {
				t.Errorf("got %q, want %s", answered, id)
			}
		}
	}
}

func TestARequestWithoutAGoodIDGetsANewOne(t *testing.T) {
	c := newClient(t)
	seen := map[string]bool{}
	for _, ids := range [][]string{nil, nil, {""}, {strings.Repeat("x", 65)}, {"a b"}, {"a/b"}, {"é"}, {`"`}, {"a", "b"}, {newToken()}} {
		header := nethttp.Header{}
		if ids != nil {
			header["X-Request-Id"] = ids
		}
		got := c.sendWith(header, "GET", "/ping", "").want(200).header.Values("X-Request-Id")
		if len(got) != 1 || !newRequestID.MatchString(got[0]) || seen[got[0]] {
			t.Fatalf("got %q for %q", got, ids)
		}
		seen[got[0]] = true
	}
}

func TestTheLogHasTheIDsOfTheRequestAndOfItsAPIKey(t *testing.T) {
	var text logBuffer
	log := slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{Level: slog.LevelDebug}))
	f, _ := guardFarm()
	f.client = serve(t, newLoggingServer(f.gate, f.store, log))
	f.t = t
	id, token := f.keyWithID(domain.Viewer)
	c := f.as(token)
	send := func(method, path, body, requestID string, status int) {
		t.Helper()
		c.sendWith(nethttp.Header{"X-Request-Id": {requestID}}, method, path, body).want(status)
	}
	send("GET", "/v1/users", "", "reads", 200)
	send("POST", "/v1/leases", `{}`, "may-not", 403)
	send("GET", "/ping", "", "pings", 200)
	send("POST", "/v1/leases", strings.Repeat("x", 1<<20+1), "sends-too-much", 413)
	c = c.as("")
	send("GET", "/v1/users", "", "is-nobody", 401)

	for _, want := range []string{
		`request_id=reads method=GET route=/v1/users status=200 duration_ms=[0-9.]+ key_id=` + id + `\n`,
		`request_id=may-not method=POST route=/v1/leases status=403 duration_ms=[0-9.]+ key_id=` + id + `\n`,
		`request_id=pings method=GET route=/ping status=200 duration_ms=[0-9.]+\n`,
		`msg="request not read" request_id=sends-too-much status=413\n`,
		`request_id=is-nobody method=GET route=/v1/users status=401 duration_ms=[0-9.]+\n`,
	} {
		if !regexp.MustCompile(want).MatchString(text.String()) {
			t.Errorf("no line of the log is like %s:\n%s", want, text.String())
		}
	}
	if strings.Contains(text.String(), token) {
		t.Error("the log has the token")
	}
}

// The answer and the log have a valid request id, whatever the request has.
func FuzzRequestID(f *testing.F) {
	for _, id := range []string{"", "a", "a\x00b", "é", strings.Repeat("x", 65), "a=b level=ERROR", "../..", "%0d%0a"} {
		f.Add(id)
	}
	isID := regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)
	c := newClient(f)
	f.Fuzz(func(t *testing.T, id string) {
		req, err := nethttp.NewRequest("GET", c.url+"/ping", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Request-Id", id)
		if req.Write(io.Discard) != nil || !isHeaderValue(id) {
			return // a request that no client can send
		}
		got := c.in(t).do(req).want(200).header.Get("X-Request-Id")
		if !isID.MatchString(got) || isID.MatchString(id) && got != id {
			t.Errorf("got %q for %q", got, id)
		}
	})
}

func isHeaderValue(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f })
}
