package http_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/userfarm/userfarm/adapters/http"
	"github.com/userfarm/userfarm/adapters/http/problem"
)

func TestTheDescriptionIsServed(t *testing.T) {
	got := newClient(t).get("/openapi.yaml").want(200)
	if got.body != string(http.OpenAPI) || got.header.Get("Content-Type") != "application/yaml" {
		t.Errorf("got %d bytes of %s", len(got.body), got.header.Get("Content-Type"))
	}
}

func TestThePageShowsEverythingAndLoadsNothing(t *testing.T) {
	got := newClient(t).get("/docs").want(200)
	if got.header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("got %s", got.header.Get("Content-Type"))
	}
	if policy := got.header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none';") {
		t.Errorf("got the policy %q", policy)
	}
	if loads := regexp.MustCompile(`<(script|link|img|iframe)|src=|@import|url\(`).FindString(got.body); loads != "" {
		t.Errorf("the page has %q", loads)
	}
	for _, link := range regexp.MustCompile(`href="([^"]+)"`).FindAllStringSubmatch(got.body, -1) {
		anchor, inPage := strings.CutPrefix(link[1], "#")
		if inPage && !strings.Contains(got.body, `id="`+anchor+`"`) || !inPage && link[1] != "/openapi.yaml" {
			t.Errorf("a link leads to %q, which is not there", link[1])
		}
	}
	doc := contract().doc
	for path, item := range doc.Paths.Map() {
		for method, operation := range item.Operations() {
			if !strings.Contains(got.body, `<h3 id="`+operation.OperationID+`">`) {
				t.Errorf("the page does not have %s %s", method, path)
			}
		}
	}
	for _, kind := range problem.Kinds() {
		if !strings.Contains(got.body, `<tr id="`+string(kind.Code)+`">`) {
			t.Errorf("the page does not have the problem %s", kind.Code)
		}
	}
	for name := range doc.Components.Schemas {
		if !strings.Contains(got.body, `id="schema-`+name+`"`) {
			t.Errorf("the page does not have the schema %s", name)
		}
	}
}
