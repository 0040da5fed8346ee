package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

func TestThePageIsUpToDate(t *testing.T) {
	fresh := filepath.Join(t.TempDir(), "page.html")
	if err := write("../openapi.yaml", fresh); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(fresh)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../docs.gen.html")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Error("docs.gen.html is stale: run go generate ./adapters/http")
	}
}

func TestADescriptionThatIsNoneIsRefused(t *testing.T) {
	if err := write("page_test.go", filepath.Join(t.TempDir(), "page.html")); err == nil {
		t.Error("no error")
	}
}

func TestProse(t *testing.T) {
	tests := []struct{ text, want string }{
		{"", ""},
		{"one\n\ntwo\nlines\n", "<p>one</p>\n<p>two\nlines</p>\n"},
		{"a `<b>` and **c** & d", "<p>a <code>&lt;b&gt;</code> and <strong>c</strong> &amp; d</p>\n"},
	}
	for _, test := range tests {
		if got := prose(test.text); string(got) != test.want {
			t.Errorf("prose(%q) = %q, want %q", test.text, got, test.want)
		}
	}
}

func TestFormatJSON(t *testing.T) {
	number := openapi3.NewFloat64Schema().NewRef()
	number.Extensions = map[string]any{"x-order": 1.0}
	text := openapi3.NewStringSchema().NewRef()
	text.Extensions = map[string]any{"x-order": 2.0}
	described := openapi3.NewObjectSchema()
	described.Properties = openapi3.Schemas{"z": number, "a": text}

	short := map[string]any{"a": "<", "z": 0.0}
	if got := formatJSON(short, described); got != `{"z": 0.0, "a": "<"}` {
		t.Errorf("got %s", got)
	}
	long := map[string]any{"a": "a text that is so long that it and its name and the other one do not fit on one line", "z": 1.5}
	if got, want := formatJSON(long, described), "{\n  \"z\": 1.5,\n  \"a\": \""+long["a"].(string)+"\"\n}"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestCurlQuotesForTheShell(t *testing.T) {
	want := `curl -X POST "$USERFARM/x" \
  -H 'Content-Type: application/json' \
  -d '{"a": "it'\''s"}'`
	if got := curl(false, "POST", "/x", `{"a": "it's"}`); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestCurlSendsTheAPIKeyWhereOneIsNeeded(t *testing.T) {
	want := `curl "$USERFARM/x" \
  -H "Authorization: Bearer $USERFARM_KEY"`
	if got := curl(true, "GET", "/x", ""); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
