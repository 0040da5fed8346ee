package dashboard_test

import (
	nethttp "net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/userfarm/userfarm/domain"
)

func TestAFormNeedsTheTokenOfAPage(t *testing.T) {
	f := newFarm(t)
	user := f.user("ann", shop)
	b := f.signedIn(domain.Admin)
	form := "quarantine?id=" + user.ID.String()
	token := b.get(form).token()
	other := f.signedIn(domain.Admin)
	for _, bad := range []string{"", "x", token[1:], other.get("overview").token()} {
		b.post("quarantine", bad, "id", user.ID.String(), "reason", "broken").want(403).has("The form is out of date")
	}
	if view, _ := f.User(t.Context(), user.ID); view.Quarantine != nil {
		t.Fatal("a form without the token was carried out")
	}
	b.post("quarantine", token, "id", user.ID.String(), "reason", "broken").want(303)
}

func TestAFormOfAnotherSiteIsRejected(t *testing.T) {
	f := newFarm(t)
	user := f.user("ann", shop)
	b := f.signedIn(domain.Admin)
	token := b.get("overview").token()
	send := func(header nethttp.Header) answer {
		values := url.Values{"form_token": {token}, "id": {user.ID.String()}, "reason": {"broken"}}
		req := b.request("POST", "quarantine", strings.NewReader(values.Encode()))
		req.Header = header
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return b.do(req)
	}
	for name, header := range map[string]nethttp.Header{
		"a page of another site":              {"Sec-Fetch-Site": {"cross-site"}, "Origin": {f.url}},
		"a page of another host of this site": {"Sec-Fetch-Site": {"same-site"}},
		"an old browser on another site":      {"Origin": {"http://evil.example"}},
		"a page that hides its origin":        {"Origin": {"null"}},
		"no browser":                          {},
	} {
		if got := send(header); got.status != 403 {
			t.Errorf("%s: got the status %d", name, got.status)
		}
	}
	send(nethttp.Header{"Origin": {f.url}}).want(303) // an old browser on this site
}

// A farm without API keys has no cookie to sign in with, and its forms need a token all the same.
func TestAnOpenFarmChecksItsFormsToo(t *testing.T) {
	f := newFarm(t)
	user := f.user("ann", shop)
	b := f.browser()
	b.get("overview").want(200).has("no API key")
	token := b.get("quarantine?id=" + user.ID.String()).token()
	b.post("quarantine", "x", "id", user.ID.String(), "reason", "broken").want(403)
	f.browser().post("quarantine", token, "id", user.ID.String(), "reason", "broken").want(403) // without the cookie of the token
	b.post("quarantine", token, "id", user.ID.String(), "reason", "broken").want(303)
}
