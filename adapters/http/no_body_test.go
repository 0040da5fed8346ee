package http_test

import (
	"io"
	"net"
	"testing"

	"github.com/userfarm/userfarm/adapters/http/internal/api"
)

// noBodies are the headers and bodies with which HTTP libraries send a POST without a body, as recorded on a socket. Those
// of C# are from its documentation. Rows that begin with "a" are variations that no library is known for.
var noBodies = []struct{ library, header, body string }{
	// Nothing is sent, and its length is 0 or missing.
	{"curl -X POST; PHP streams; Java HttpURLConnection", "", ""},
	{"PHP streams with content ''", "Content-Type: application/json\r\nConnection: keep-alive\r\n", ""},
	{"Python requests, httpx; JS fetch, got, ky", "Content-Length: 0\r\n", ""},
	{"Python urllib; JS superagent; Go http.Post(nil)", "Content-Length: 0\r\nContent-Type: application/json\r\n", ""},
	{"Java OkHttp; C# StringContent", "Content-Type: application/json; charset=utf-8\r\nContent-Length: 0\r\n", ""},
	{"C# PostAsync(null)", "Content-Length: 0\r\n", ""},
	{"Java HttpClient", "Connection: Upgrade, HTTP2-Settings\r\nContent-Length: 0\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAAB\r\n" +
		"Content-Type: application/json\r\n", ""},
	{"Python aiohttp", "Content-Length: 0\r\nContent-Type: application/octet-stream\r\n", ""},
	{"Python urllib data=b''; JS axios; Ruby Net::HTTP, Faraday; Java RestTemplate",
		"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 0\r\n", ""},
	{"JS fetch with URLSearchParams", "Content-Type: application/x-www-form-urlencoded;charset=UTF-8\r\nContent-Length: 0\r\n", ""},
	{"JS fetch body ''", "Content-Type: text/plain;charset=UTF-8\r\nContent-Length: 0\r\n", ""},
	{"a JSON type with a suffix", "Content-Type: application/problem+json\r\nContent-Length: 0\r\n", ""},
	{"a type that can't be read", "Content-Type: json;;\r\nContent-Length: 0\r\n", ""},

	// Nothing is sent, in chunks.
	{"Python requests, httpx, aiohttp from a generator; Go from a reader; JS http.request",
		"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"},
	{"Java HttpClient from a stream", "Transfer-encoding: chunked\r\nContent-Type: application/json\r\n", "0\r\n\r\n"},

	// Nothing, encoded as JSON.
	{"JS axios, got, ky, superagent, fetch of null; Python requests of None; Ruby nil.to_json",
		"Content-Type: application/json\r\nContent-Length: 4\r\n", "null"},
	{"Java OkHttp of 'null'", "Content-Type: application/json; charset=utf-8\r\nContent-Length: 4\r\n", "null"},
	{"Go json.Encoder of nil", "Content-Type: application/json\r\nContent-Length: 5\r\n", "null\n"},
	{"Go json.Encoder of nil, piped", "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n", "5\r\nnull\n\r\n0\r\n\r\n"},
	{"C# PostAsJsonAsync(null)",
		"Transfer-Encoding: chunked\r\nContent-Type: application/json; charset=utf-8\r\n", "4\r\nnull\r\n0\r\n\r\n"},
	{"JS fetch of JSON.stringify(null) without a type", "Content-Type: text/plain;charset=UTF-8\r\nContent-Length: 4\r\n", "null"},
	{"JS axios and got of ''; Python requests json=''; Ruby ''.to_json", "Content-Type: application/json\r\nContent-Length: 2\r\n", `""`},
	{"PHP json_encode([]); Laravel Http::post(url)", "Content-Type: application/json\r\nContent-Length: 2\r\n", "[]"},
	{"Python requests json={}; JS axios, got of {}", "Content-Type: application/json\r\nContent-Length: 2\r\n", "{}"},
	{"a template that came out empty", "Content-Type: application/json\r\nContent-Length: 5\r\n", " \t\r\n\n"},
}

func TestAnOptionalBodyMayBeAbsentInEveryWayThatLibrariesHave(t *testing.T) {
	c := newClient(t)
	alice, _ := c.newUser("alice", nil)
	user := "/v1/users/" + alice.UserID
	conn := c.dial() // all on one connection, so that a body that is not read whole spoils the next request
	for _, sent := range noBodies {
		t.Run(sent.library, func(t *testing.T) {
			c := c.in(t)
			post := func(path string) answer {
				t.Helper()
				return postRaw(t, conn, path, sent.header, sent.body)
			}
			lease := "/v1/leases/" + c.acquire(`{"users":[{}]}`).LeaseID
			post(lease + "/renew").want(200)
			post(lease + "/users/" + alice.UserID + "/otp").want(409).wantProblem(api.CodeNoTOTP)
			post(lease + "/release").want(204)
			post(user + "/force-release").want(200)
			post(user + "/restore").want(200)
			post("/v1/keys/" + someID + "/revoke").want(404).wantProblem(api.CodeKeyNotFound)
			post("/acquire_lock?user_id=" + alice.UserID).want(200)
			post("/release_lock?user_id=" + alice.UserID).want(200)
		})
	}
}

func TestABodyThatIsNeededMayNotBeAbsent(t *testing.T) {
	c := newClient(t)
	conn := c.dial()
	for _, sent := range noBodies {
		t.Run(sent.library, func(t *testing.T) {
			for _, path := range []string{"/v1/leases", "/v1/users", "/v1/users/" + someID + "/quarantine", "/create_user"} {
				if got := postRaw(t, conn, path, sent.header, sent.body); got.status != 400 && got.status != 415 && got.status != 422 {
					t.Errorf("POST %s = %d %s", path, got.status, got.body)
				}
			}
		})
	}
}

// Another value than an object is a mistake of the caller, and so is an object whose type is not JSON.
func TestAnOptionalBodyThatSaysSomethingIsRead(t *testing.T) {
	c := newClient(t)
	path := "/v1/users/" + someID + "/restore"
	for _, body := range []string{`[1]`, `"x"`, `" "`, `0`, `false`, `[null]`} {
		c.post(path, body).want(422).wantProblem(api.CodeInvalid, "")
	}
	for _, body := range []string{`nul`, `null null`, `undefined`, `""""`, `[`} {
		c.post(path, body).want(400).wantProblem(api.CodeMalformed)
	}
	c.sendAs("text/plain", "POST", path, `{}`).want(415)
}

// postRaw sends a request byte for byte, and returns the answer.
func postRaw(t *testing.T, conn net.Conn, path, header, body string) answer {
	t.Helper()
	if _, err := io.WriteString(conn, "POST "+path+" HTTP/1.1\r\nHost: x\r\n"+header+"\r\n"+body); err != nil {
		t.Fatal(err)
	}
	return readAnswer(t, conn, "POST")
}
