package http_test

import (
	"crypto/rand"
	nethttp "net/http"
	"strings"
	"testing"

	"github.com/userfarm/userfarm/adapters/http/internal/api"
	"github.com/userfarm/userfarm/domain"
)

const needsKey = "This needs an API key. Send its token in the header Authorization, as in Authorization: Bearer userfarm_…."

func TestARejectionWithoutAnAPIKeySaysHowToSendOne(t *testing.T) {
	got := newGuardedFarm(t).get("/v1/pools").want(401)
	if problem := got.wantProblem(api.CodeUnauthorized); problem.Detail != needsKey {
		t.Errorf("got %q, want %q", problem.Detail, needsKey)
	}
	if how := got.header.Get("WWW-Authenticate"); how != `Bearer realm="userfarm"` {
		t.Errorf("got the challenge %q", how)
	}
}

func TestARejectionSaysWhatIsWrongWithTheAPIKey(t *testing.T) {
	f := newGuardedFarm(t)
	token := f.key(domain.Admin)
	const (
		form   = "The header Authorization must be Bearer, a space, and the token of an API key."
		prefix = "The header Authorization has a malformed API key: it must begin with userfarm_."
		length = "The header Authorization has a malformed API key: it must have 40 characters after userfarm_."
		check  = "The header Authorization has a malformed API key: its checksum does not fit, so a character of it must be wrong."
		ended  = "The API key is not known here, it has expired, or it was revoked."
	)
	tests := []struct {
		name   string
		values []string
		detail string
	}{
		{"nothing", []string{""}, form},
		{"another scheme", []string{"Basic " + rand.Text()}, form},
		{"a token without a scheme", []string{token}, form},
		{"a scheme without a token", []string{"Bearer"}, prefix},
		{"something else", []string{"Bearer " + rand.Text()}, prefix},
		{"two tokens", []string{"Bearer " + token + " " + token}, length},
		{"a token that is cut off", []string{"Bearer " + token[:len(token)-1]}, length},
		{"a token in capitals", []string{"Bearer " + strings.ToUpper(token)}, prefix},
		{"a token that is mistyped", []string{"Bearer " + mistype(token)}, check},
		{"a token twice", []string{"Bearer " + token, "Bearer " + token}, "The header Authorization must be given only once."},
		{"an unknown token", []string{"Bearer " + domain.NewToken().Reveal()}, ended},
		{"a token that was revoked", []string{"Bearer " + f.revokedKey(domain.Admin)}, ended},
		{"a token that has expired", []string{"Bearer " + f.expiredKey(domain.Admin)}, ended},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := f.in(t)
			got := c.sendWith(nethttp.Header{"Authorization": test.values}, "GET", "/v1/pools", "").want(401)
			if problem := got.wantProblem(api.CodeUnauthorized); problem.Detail != test.detail {
				t.Errorf("got %q, want %q", problem.Detail, test.detail)
			}
			if how := got.header.Get("WWW-Authenticate"); how != `Bearer realm="userfarm", error="invalid_token"` {
				t.Errorf("got the challenge %q", how)
			}
			c.sendWith(nethttp.Header{"Authorization": test.values}, "GET", "/healthz", "").want(200)
		})
	}
}

// mistype returns a token with another character in its middle.
func mistype(token string) string {
	at := len(token) / 2
	other := "a"
	if token[at] == 'a' {
		other = "b"
	}
	return token[:at] + other + token[at+1:]
}

func TestAnAPIKeyMayBeSentAsHTTPAllows(t *testing.T) {
	f := newGuardedFarm(t)
	token := f.key(domain.Viewer)
	for _, value := range []string{"Bearer " + token, "bearer " + token, "BEARER   " + token, "Bearer " + token + "  "} {
		f.sendWith(nethttp.Header{"Authorization": {value}}, "GET", "/v1/pools", "").want(200)
	}
}

// The server keeps the token longer than the request: a stream of events is authorized with it again and again.
func TestATokenDoesNotChangeAfterItIsRead(t *testing.T) {
	f := newGuardedFarm(t)
	stream := f.as(f.key(domain.Viewer)).watch("", "")
	c := f.as(f.key(domain.Admin))
	for range 20 {
		c.get("/v1/pools").want(200)
	}
	f.addUser("alice", projectID)
	if got := nextBlock(t, stream); !strings.Contains(got, "alice") {
		t.Errorf("got %s", got)
	}
}
