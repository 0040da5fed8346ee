package http_test

import (
	"io"
	"strings"
	"testing"

	"github.com/userfarm/userfarm/adapters/http"
)

// wantHeader fails the test unless an answer has the header of every answer.
func (a answer) wantHeader() {
	a.t.Helper()
	want := map[string]string{
		"X-Content-Type-Options":       "nosniff",
		"Referrer-Policy":              "no-referrer",
		"Content-Security-Policy":      "default-src 'none'; frame-ancestors 'none'",
		"Cross-Origin-Resource-Policy": "same-origin",
		"Cache-Control":                "no-store",
	}
	for name, value := range want {
		if got := a.header.Values(name); len(got) != 1 || got[0] != value {
			a.t.Errorf("got %s %q, want %q", name, got, value)
		}
	}
	if len(a.header.Values("X-Request-Id")) != 1 {
		a.t.Error("the answer has no request id")
	}
}

func TestEveryAnswerHasTheSecurityHeader(t *testing.T) {
	c := newClient(t)
	requests := []struct {
		method, path, body string
		status             int
	}{
		{"GET", "/ping", "", 200},
		{"HEAD", "/ping", "", 200},
		{"GET", "/get_users", "", 200},
		{"GET", "/openapi.yaml", "", 200},
		{"HEAD", "/v1/events/stream", "", 200},
		{"GET", "/v1/users", "", 200},
		{"POST", "/v1/users", `{}`, 422},
		{"POST", "/v1/leases", `{`, 400},
		{"GET", "/nothing", "", 404},
		{"DELETE", "/v1/users", "", 405},
		{"BREW", "/v1/users", "", 405},
		{"POST", "/v1/leases", strings.Repeat("x", 1<<20+1), 413},
	}
	for _, r := range requests {
		got := c.send(r.method, r.path, r.body).want(r.status)
		got.wantHeader()
	}
	broken := failing(io.ErrUnexpectedEOF)
	newFarmClient(t, broken, broken).get("/v1/pools").want(500).wantHeader()
	newGuardedFarm(t).get("/v1/pools").want(401).wantHeader()
}

func TestAnAnswerToBytesThatAreNotHTTPHasTheSameHeader(t *testing.T) {
	c := newClient(t)
	for _, request := range []string{
		"\x16\x03\x01\x02\x00\r\n\r\n",
		"GET /ping HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("y", 20<<10) + "\r\n\r\n",
		"GET /v1/users/%zz HTTP/1.1\r\nHost: x\r\n\r\n",
	} {
		conn := c.dial()
		if _, err := io.WriteString(conn, request); err != nil {
			t.Fatal(err)
		}
		readAnswer(t, conn, "GET").wantHeader()
	}
}

func TestAServerBehindTLSTellsBrowsersToUseTLS(t *testing.T) {
	farm := failing(nil)
	for _, tls := range []bool{false, true} {
		c := serve(t, mustServe(http.New(openGate{farm}, farm, http.Settings{Limits: http.DefaultLimits(), TLS: tls}, newLog())))
		for _, path := range []string{"/ping", "/nothing"} {
			want := ""
			if tls {
				want = "max-age=31536000"
			}
			if got := c.get(path).header.Get("Strict-Transport-Security"); got != want {
				t.Errorf("TLS %t: GET %s says %q, want %q", tls, path, got, want)
			}
		}
	}
}
