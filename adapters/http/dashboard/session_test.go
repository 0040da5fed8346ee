package dashboard_test

import (
	"encoding/base64"
	"html"
	nethttp "net/http"
	"strings"
	"testing"

	"github.com/userfarm/userfarm/adapters/http"
	"github.com/userfarm/userfarm/domain"
)

func TestAFarmWithKeysAsksToSignIn(t *testing.T) {
	f := newFarm(t)
	_, token := f.key("ann", domain.Viewer)
	b := f.browser()
	b.get("overview").want(401).has("Sign in", "API key").hasNot("not signed in anymore")
	// The page that was asked for opens after signing in.
	page := b.get("users?env=stage").want(401).has(`name="next" value="users?env=stage"`)
	got := b.post("sign-in", page.token(), "key", " "+token+"\n", "next", "users?env=stage").want(303)
	if to := got.header.Get("Location"); to != "users?env=stage" {
		t.Errorf("signing in leads to %q", to)
	}
	b.get("overview").want(200).has("ann", "viewer", "Sign out")
	b.post("sign-out", b.get("overview").token()).want(303)
	b.get("overview").want(401)
}

func TestSigningInLeadsToThePageThatWasAskedFor(t *testing.T) {
	f := newFarm(t)
	_, token := f.key("ann", domain.Admin)
	for _, page := range []string{
		"users?label=role%3Aadmin&label=plan%3Dfree&login=a%2Bb%40example.com", "line?owner=ci+1", "history?kind=acquired&before=7",
		"user?id=" + domain.UserID{1}.String(), "force-release?id=" + domain.UserID{1}.String() + "&fence=3", "keys", "import", "add-user?project=Shop",
	} {
		b := f.browser()
		asked := b.get(page).want(401)
		_, rest, _ := strings.Cut(asked.body, `name="next" value="`)
		next, _, _ := strings.Cut(rest, `"`)
		got := b.post("sign-in", asked.token(), "key", token, "next", html.UnescapeString(next)).want(303)
		if to := got.header.Get("Location"); to != page {
			t.Errorf("signing in to %s leads to %s", page, to)
		}
	}
}

func TestSigningInLeadsToNoOtherSite(t *testing.T) {
	f := newFarm(t)
	_, token := f.key("ann", domain.Viewer)
	for _, next := range []string{"https://evil.example/", "//evil.example/overview", "/docs", "../docs", `\\evil.example`, "javascript:alert(1)", "sign-out", "live", "import-confirm"} {
		b := f.browser()
		got := b.post("sign-in", b.get("sign-in").token(), "key", token, "next", next).want(303)
		if to := got.header.Get("Location"); to != "overview" {
			t.Errorf("next=%q leads to %q", next, to)
		}
	}
}

func TestABadKeyIsRejectedWithAReason(t *testing.T) {
	f := newFarm(t)
	revoked, token := f.key("ann", domain.Viewer)
	if _, err := f.RevokeKey(t.Context(), revoked.ID, ""); err != nil {
		t.Fatal(err)
	}
	f.browser().signIn("hello").want(422).has("it must begin with userfarm_").hasNot("hello")
	f.browser().signIn(token[:len(token)-1]).want(422).has("must have 40 characters").hasNot(token[:20])
	f.browser().signIn(domain.NewToken().Reveal()).want(401).has("is not known here")
	f.browser().signIn(token).want(401).has("it was revoked").hasNot(token)
}

func TestTheCookieIsOnlyForThisSite(t *testing.T) {
	for _, secure := range []bool{false, true} {
		f := newFarm(t, func(s *http.Settings) { s.TLS = secure })
		_, token := f.key("ann", domain.Viewer)
		b := f.browser()
		page := b.get("sign-in")
		b.setCookie("userfarm_guest", guestOf(t, page)) // a browser keeps a secure cookie to itself, and this connection has no TLS
		set := b.post("sign-in", page.token(), "key", token).want(303).header.Get("Set-Cookie")
		for _, want := range []string{"HttpOnly", "SameSite=Strict", "path=/"} {
			if !strings.Contains(set, want) {
				t.Errorf("the cookie %q is not %s", set, want)
			}
		}
		if strings.Contains(set, "secure") != secure {
			t.Errorf("with TLS %t, the cookie is %q", secure, set)
		}
		if strings.Contains(set, token) {
			t.Error("the cookie shows the API key")
		}
	}
}

// guestOf returns the cookie that a page gives to somebody who has not signed in.
func guestOf(t *testing.T, a answer) string {
	t.Helper()
	cookie, err := nethttp.ParseSetCookie(a.header.Get("Set-Cookie"))
	if err != nil {
		t.Fatal(err)
	}
	return cookie.Value
}

func TestTheCookieEndsWithItsKey(t *testing.T) {
	f := newFarm(t)
	key, token := f.key("ann", domain.Viewer)
	f.key("bob", domain.Admin)
	b := f.browser()
	b.signIn(token).want(303)
	b.get("overview").want(200)
	if _, err := f.RevokeKey(t.Context(), key.ID, ""); err != nil {
		t.Fatal(err)
	}
	for b.get("overview").status == 200 { // the gate knows it within two seconds
		continue
	}
	b.get("overview").want(401).has("You are not signed in anymore: your API key has expired, or it was revoked.")
}

func TestAChangedCookieIsNoCookie(t *testing.T) {
	f := newFarm(t)
	b := f.signedIn(domain.Admin)
	value := b.session()
	raw, err := base64.RawURLEncoding.DecodeString(value)
	if err != nil {
		t.Fatal(err)
	}
	raw[len(raw)-1] ^= 1
	for _, bad := range []string{base64.RawURLEncoding.EncodeToString(raw), "x", "%", value[:20]} {
		b.setSession(bad)
		b.get("overview").want(401).has("You are not signed in anymore: this farm can&#39;t read your cookie")
	}
	b.setSession(value)
	b.get("overview").want(200)

	// A farm with another encryption key can't read it. A replica with the same one can.
	other := newFarm(t)
	other.key("ann", domain.Admin)
	stranger := other.browser()
	stranger.setSession(value)
	stranger.get("overview").want(401)
}

// Browsers send the cookies of a host to all of its ports.
func TestFarmsOnOneHostDoNotSignEachOtherOut(t *testing.T) {
	one, two := newFarm(t), newFarm(t)
	_, token := one.key("ann", domain.Viewer)
	_, other := two.key("bob", domain.Viewer)
	b := one.browser()
	b.signIn(token).want(303)
	elsewhere := b
	elsewhere.url = two.url
	elsewhere.get("overview").want(401).hasNot("not signed in anymore")
	elsewhere.signIn(other).want(303)
	elsewhere.get("overview").want(200).has("bob")
	b.get("overview").want(200).has("ann")
	elsewhere.post("sign-out", elsewhere.get("overview").token()).want(303)
	b.get("overview").want(200).has("ann")
}

func TestReplicasShareTheCookie(t *testing.T) {
	sealer := newSealer(t)
	one := newFarm(t, func(s *http.Settings) { s.Sealer = sealer })
	b := one.signedIn(domain.Admin)
	two := newFarm(t, func(s *http.Settings) { s.Sealer = sealer })
	two.key("ann", domain.Admin)
	again := two.browser()
	again.setSession(b.session())
	// The cookie opens there; only the key is another farm's.
	again.get("overview").want(401).has("your API key has expired, or it was revoked")
}

// No form of another site can call the API, because the API does not look at the cookie.
func TestTheAPIDoesNotAcceptTheCookie(t *testing.T) {
	f := newFarm(t)
	b := f.signedIn(domain.Admin)
	for _, path := range []string{"/v1/users", "/v1/keys", "/get_users", "/v1/events/stream", "/ui/../v1/users", "//v1/users"} {
		req, err := nethttp.NewRequestWithContext(t.Context(), "GET", b.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.URL.Opaque = strings.TrimPrefix(b.url, "http:") + path // as written
		if got := b.do(req); got.status != 401 && got.status != 404 {
			t.Errorf("%s answers %d to a cookie", path, got.status)
		}
	}
}

// The page does not look at the header of the API, so a request of the API is never taken for one of the page.
func TestThePageDoesNotAcceptABearer(t *testing.T) {
	f := newFarm(t)
	_, token := f.key("ann", domain.Admin)
	req := f.browser().request("GET", "overview", nil)
	req.Header.Set("Authorization", "Bearer "+token)
	f.browser().do(req).want(401)
}

// A browser keeps back the cookie from somebody who follows a link in a chat. The page sends such a person on from itself.
func TestALinkFromAnotherSiteOpens(t *testing.T) {
	f := newFarm(t)
	req := f.signedIn(domain.Viewer).request("GET", "users?env=stage", nil)
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	req.Header.Set("Sec-Fetch-Mode", "navigate")
	f.browser().do(req).want(200).has(`http-equiv="refresh" content="0;url=users?env=stage"`).hasNot("Sign in")
}
