package http_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/userfarm/userfarm/adapters/http"
	"github.com/userfarm/userfarm/adapters/http/internal/api"
)

func TestTheDescriptionIsServed(t *testing.T) {
	got := newClient(t).get("/openapi.yaml").want(200)
	if got.body != string(http.OpenAPI) || got.header.Get("Content-Type") != "application/yaml" {
		t.Errorf("got %d bytes of %s", len(got.body), got.header.Get("Content-Type"))
	}
}

// A person who opens the address of a farm finds out what it is.
func TestTheRootLeadsToThePage(t *testing.T) {
	c := newGuardedFarm(t).client // without an API key
	for _, method := range []string{"GET", "HEAD"} {
		if got := c.send(method, "/", "").want(302); got.header.Get("Location") != "ui/overview" {
			t.Errorf("%s / leads to %q, want ui/overview", method, got.header.Get("Location"))
		}
	}
	c.post("/", "{}").want(405).wantProblem(api.CodeMethodNotAllowed)
	if got := c.get("/ui/overview").want(401); !strings.Contains(got.body, "Sign in") {
		t.Errorf("got %s", got.body)
	}
}

func TestThePageLoadsOnlyFilesOfThisServer(t *testing.T) {
	c := newClient(t)
	got := c.get("/docs").want(200)
	if got.header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("got %s", got.header.Get("Content-Type"))
	}
	if foreign := regexp.MustCompile(`//\w[^"'\s]*`).FindString(got.body); foreign != "" {
		t.Errorf("the page has the URL %q", foreign)
	}
	page, err := url.Parse(c.url + "/docs")
	if err != nil {
		t.Fatal(err)
	}
	types := map[string]string{"css": "text/css; charset=utf-8", "js": "application/javascript", "png": "image/png"}
	links := regexp.MustCompile(`(?:href|src)="([^"]+)"`).FindAllStringSubmatch(got.body, -1)
	if len(links) < 3 {
		t.Errorf("the page loads %v", links)
	}
	for _, link := range links {
		if strings.HasPrefix(link[1], "/") {
			t.Errorf("the page loads %q, which does not work behind a path prefix", link[1])
		}
		target, err := page.Parse(link[1])
		if err != nil {
			t.Fatal(err)
		}
		file := c.get(target.Path).want(200)
		if want := types[link[1][strings.LastIndex(link[1], ".")+1:]]; file.header.Get("Content-Type") != want || file.body == "" {
			t.Errorf("%s has %d bytes of %s, want %s", link[1], len(file.body), file.header.Get("Content-Type"), want)
		}
	}
	if !strings.Contains(got.body, `url: "openapi.yaml"`) {
		t.Error("the page does not show openapi.yaml")
	}
}

func TestThePageHasAStrictPolicy(t *testing.T) {
	got := newClient(t).get("/docs").want(200)
	hashes := map[string]string{}
	for _, code := range regexp.MustCompile(`(?s)<(script|style)>(.*?)</`).FindAllStringSubmatch(got.body, -1) {
		hash := sha256.Sum256([]byte(code[2]))
		hashes[code[1]] += " 'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) + "'"
	}
	want := "default-src 'none'; script-src 'self'" + hashes["script"] + "; style-src 'self'" + hashes["style"] +
		"; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	if policies := got.header.Values("Content-Security-Policy"); len(policies) != 1 || policies[0] != want {
		t.Errorf("got the policies %q, want %q", policies, want)
	}
	if attribute := regexp.MustCompile(`<[^>]*\s(style|on\w+)=`).FindString(got.body); attribute != "" {
		t.Errorf("the policy blocks %q", attribute)
	}
}

func TestAFileOfThePageIsWholeOrNotFound(t *testing.T) {
	c := newClient(t)
	whole := c.get("/docs/favicon-16x16.png").want(200)
	part := c.sendWith(map[string][]string{"Range": {"bytes=0-9"}, "If-None-Match": {whole.header.Get("Etag")}},
		"GET", "/docs/favicon-16x16.png", "").want(200)
	if part.body != whole.body {
		t.Errorf("got %d bytes of %d", len(part.body), len(whole.body))
	}
	for _, file := range []string{"nothing.js", "index.html", "..%2fopenapi.yaml", "%2e%2e", "*"} {
		c.get("/docs/" + file).want(404).wantProblem(api.CodeNotFound)
	}
	c.get("/docs/").want(404).wantProblem(api.CodeNotFound)
}
