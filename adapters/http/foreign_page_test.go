package http_test

import (
	"io"
	nethttp "net/http"
	"strings"
	"testing"

	"github.com/userfarm/userfarm/adapters/http"
	"github.com/userfarm/userfarm/adapters/http/internal/api"
	"github.com/userfarm/userfarm/adapters/memory"
	"github.com/userfarm/userfarm/app"
)

// newLoopbackClient returns the client of an empty farm that serves only its own machine, without API keys.
func newLoopbackClient(t *testing.T) client {
	t.Helper()
	store := memory.New()
	loopback := http.Settings{Limits: http.DefaultLimits(), LoopbackOnly: true}
	return serve(t, mustServe(http.New(app.NewGate(mustFarm(store, settings), true), store, loopback, newLog())))
}

// from sends a request with another Host, unless that is empty, and headers of a browser.
func (c client) from(host, method, path string, header nethttp.Header) answer {
	c.t.Helper()
	req, err := nethttp.NewRequest(method, c.url+path, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header = header.Clone()
	if req.Header == nil {
		req.Header = nethttp.Header{}
	}
	if host != "" {
		req.Host = host
	}
	return c.do(req)
}

const noForeignPages = "A page of another site must not reach a farm that has no API key. " +
	"Make one (userfarm keys create), or start the farm with --insecure."

func TestAPageOfAnotherSiteDoesNotReachAFarmWithoutAPIKeys(t *testing.T) {
	c := newLoopbackClient(t)
	here := strings.TrimPrefix(c.url, "http://")
	tests := []struct {
		name, host string
		header     nethttp.Header
	}{
		{"of a name that resolves to this machine", "evil.example.com", nil},
		{"of a name that resolves to this machine, with the port", "evil.example.com:8000", nil},
		{"of a name that begins like this machine's", "localhost.evil.example.com", nil},
		{"of a name that begins like an address", "127.0.0.1.evil.example.com", nil},
		{"of a machine of the network", "192.168.0.1", nil},
		{"of the address 0.0.0.0", "0.0.0.0:8000", nil},
		{"that posts a form", "", nethttp.Header{"Origin": {"https://evil.example.com"}}},
		{"with the origin null", "", nethttp.Header{"Origin": {"null"}}},
		{"of two sites", "", nethttp.Header{"Origin": {"http://" + here, "https://evil.example.com"}}},
		{"on another port of this machine", "", nethttp.Header{"Origin": {"http://127.0.0.1:1"}}},
		{"that embeds an image", "", nethttp.Header{"Sec-Fetch-Site": {"cross-site"}}},
		{"on another port, without Origin", "", nethttp.Header{"Sec-Fetch-Site": {"same-site"}}},
		{"that embeds an image, with other letter case", "", nethttp.Header{"Sec-Fetch-Site": {"Cross-Site"}}},
		{"on another port, with other letter case", "", nethttp.Header{"Sec-Fetch-Site": {"SAME-SITE"}}},
		{"on a port that is too high", "localhost:65536", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := c.in(t)
			for path, method := range map[string]string{"/get_users": "GET", "/create_user?login=a": "POST", "/v1/keys": "GET"} {
				problem := c.from(test.host, method, path, test.header).want(403).wantProblem(api.CodeForbidden)
				if problem.Detail != noForeignPages {
					t.Errorf("got %q, want %q", problem.Detail, noForeignPages)
				}
			}
			c.from(test.host, "GET", "/healthz", test.header).want(200)
		})
	}
}

// No proper client sends these requests. The farm and a proxy may read their host differently.
func TestARequestWithAnAmbiguousHostDoesNotReachAFarmWithoutAPIKeys(t *testing.T) {
	c := newLoopbackClient(t)
	for _, hosts := range []string{
		"Host: evil.example.com\r\nHost: 127.0.0.1",
		"Host: 127.0.0.1\r\nhost: evil.example.com",
		"HOST: localhost\r\nX: y\r\nHost: localhost",
		"Host: 127.0.0.1:80@evil.example.com",
		"Host: 127.0.0.1:80@",
	} {
		conn := c.dial()
		if _, err := io.WriteString(conn, "GET /get_users HTTP/1.1\r\n"+hosts+"\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if got := readAnswer(t, conn, "GET"); got.status != 400 && got.status != 403 { // some are not valid HTTP
			t.Errorf("%s: got status %d with %s", hosts, got.status, got.body)
		}
	}
}

func TestThisMachineReachesAFarmWithoutAPIKeys(t *testing.T) {
	c := newLoopbackClient(t)
	here := strings.TrimPrefix(c.url, "http://")
	tests := []struct {
		host   string
		header nethttp.Header
	}{
		{"", nil},
		{"localhost", nil},
		{"LocalHost:8000", nil},
		{"127.0.0.1", nil},
		{"127.9.9.9:1", nil},
		{"[::1]", nil},
		{"[::1]:8000", nil},
		{"[::ffff:127.0.0.1]:8000", nil},
		{"", nethttp.Header{"Origin": {"http://" + here}, "Sec-Fetch-Site": {"same-origin"}}},
		{"localhost:8000", nethttp.Header{"Origin": {"http://localhost:8000"}}},
		{"", nethttp.Header{"Sec-Fetch-Site": {"none"}}},
	}
	for _, test := range tests {
		c.from(test.host, "GET", "/get_users", test.header).want(200)
	}
}

func TestARequestWithAnAPIKeyMayComeFromAnyPage(t *testing.T) {
	c := newLoopbackClient(t)
	c = c.as(c.newKey(`{"name":"ci","role":"tester"}`).Token)
	c.from("evil.example.com", "GET", "/get_users", nethttp.Header{"Sec-Fetch-Site": {"cross-site"}}).want(200)
	// Without the key, the problem is the missing key.
	c.as("").from("evil.example.com", "GET", "/get_users", nil).want(401).wantProblem(api.CodeUnauthorized)
}

func TestAnInsecureFarmServesPagesOfOtherSites(t *testing.T) {
	c := newClient(t)
	c.from("farm.example.com", "GET", "/get_users", nethttp.Header{"Origin": {"https://other.example.com"}}).want(200)
}
