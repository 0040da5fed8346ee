package http_test

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/userfarm/userfarm/adapters/http/internal/api"
	"github.com/userfarm/userfarm/adapters/http/problem"
)

func TestTheDescriptionIsValid(t *testing.T) {
	if _, err := loadSpec(); err != nil {
		t.Fatal(err)
	}
}

func TestServedRoutesAreTheDescribedOnes(t *testing.T) {
	served := map[string]bool{}
	for _, route := range newServer().Routes() {
		if route.Method != "HEAD" && !strings.HasPrefix(route.Path, "/ui/") { // HEAD comes with every GET, and the page is no part of the API
			served[route.Method+" "+route.Path] = true
		}
	}
	described := map[string]bool{}
	for path, item := range contract().doc.Paths.Map() {
		for method := range item.Operations() {
			described[method+" "+strings.NewReplacer("{", ":", "}", "").Replace(path)] = true
		}
	}
	for route := range served {
		if !described[route] {
			t.Errorf("%s is served and not described", route)
		}
	}
	for route := range described {
		if !served[route] {
			t.Errorf("%s is described and not served", route)
		}
	}
}

func TestEveryExampleFitsItsSchema(t *testing.T) {
	for where, content := range allContent(contract().doc) {
		for mediaType, media := range content {
			if len(media.Examples) == 0 {
				t.Errorf("%s has no example of %s", where, mediaType)
			}
			for name, example := range media.Examples {
				if err := media.Schema.Value.VisitJSON(example.Value.Value); err != nil {
					t.Errorf("%s, %s, example %s: %v", where, mediaType, name, err)
				}
			}
		}
	}
}

// allContent returns the content of every request and answer.
func allContent(doc *openapi3.T) map[string]openapi3.Content {
	all := map[string]openapi3.Content{}
	for path, item := range doc.Paths.Map() {
		for method, operation := range item.Operations() {
			if operation.RequestBody != nil {
				all[method+" "+path] = operation.RequestBody.Value.Content
			}
			for status, response := range operation.Responses.Map() {
				if len(response.Value.Content) > 0 {
					all[method+" "+path+" "+status] = response.Value.Content
				}
			}
		}
	}
	return all
}

func TestEveryProblemIsDescribedAsItIs(t *testing.T) {
	doc := contract().doc
	known := map[string]bool{}
	for _, kind := range problem.Kinds() {
		code := string(kind.Code)
		if known[code] {
			continue
		}
		known[code] = true
		if !slices.Contains(doc.Components.Schemas["Code"].Value.Enum, any(code)) {
			t.Errorf("the schema Code lacks %s", code)
		}
		ref := doc.Components.Examples[code]
		if ref == nil {
			t.Errorf("there is no example of %s", code)
			continue
		}
		example := ref.Value.Value.(map[string]any)
		want := map[string]any{
			"type": "urn:userfarm:problem:" + code, "code": code, "title": kind.Title, "status": float64(kind.Status),
		}
		if kind.Code != api.CodeMalformed { // which explains what is wrong with the body
			want["detail"] = kind.Detail
		}
		for member, value := range want {
			if example[member] != value {
				t.Errorf("the example of %s has the %s %v, want %v", code, member, example[member], value)
			}
		}
	}
	for _, code := range doc.Components.Schemas["Code"].Value.Enum {
		if !known[code.(string)] {
			t.Errorf("the schema Code has %s, which no error has", code)
		}
	}
}

func TestEveryExampleOfAProblemIsUnderItsStatus(t *testing.T) {
	for where, content := range allContent(contract().doc) {
		media := content["application/problem+json"]
		if media == nil || strings.HasSuffix(where, " default") {
			continue
		}
		status := where[strings.LastIndex(where, " ")+1:]
		for _, code := range slices.Sorted(maps.Keys(media.Examples)) {
			row := slices.IndexFunc(problem.Kinds(), func(k problem.Kind) bool { return string(k.Code) == code })
			if row < 0 {
				t.Errorf("%s has the example %s, which is not a code", where, code)
			} else if got := problem.Kinds()[row].Status; status != strconv.Itoa(got) {
				t.Errorf("%s has the example %s, whose status is %d", where, code, got)
			}
		}
	}
}

func TestEveryExampleOfARequestIsUnderstood(t *testing.T) {
	c := newKeyedClient(t)
	ids := strings.NewReplacer("{lease_id}", someID, "{user_id}", someID, "{key_id}", someID, "{project_id}", projectID, "{import_id}", someID)
	for path, item := range contract().doc.Paths.Map() {
		for method, operation := range item.Operations() {
			if operation.RequestBody == nil {
				continue
			}
			for mediaType, content := range operation.RequestBody.Value.Content {
				if mediaType != "application/json" && mediaType != "application/x-ndjson" {
					continue
				}
				for name, example := range content.Examples {
					body, isText := example.Value.Value.(string)
					if !isText {
						body = encode(t, example.Value.Value)
					}
					got := c.sendAs(mediaType, method, ids.Replace(path)+dryRunOf(path), body)
					if slices.Contains([]int{400, 401, 403, 415, 422}, got.status) {
						t.Errorf("%s %s, example %s: %s", method, path, name, got.body)
					}
				}
			}
		}
	}
}

// dryRunOf lets an import of users that are not there be checked only.
func dryRunOf(path string) string {
	if path == "/v1/users/import" {
		return "?dry_run=true"
	}
	return ""
}

// A route whose query is not read at all would reject what the description offers.
func TestEveryDescribedParameterIsKnown(t *testing.T) {
	c := newClient(t)
	for path, item := range contract().doc.Paths.Map() {
		if item.Get == nil || strings.Contains(path, "{") {
			continue
		}
		for _, parameter := range item.Get.Parameters {
			if parameter.Value.In != "query" {
				continue
			}
			got := c.get(path + "?" + parameter.Value.Name + "=%00") // no value of any parameter
			if got.status != 422 || strings.Contains(got.body, "is not a") {
				t.Errorf("GET %s with %s = %d %s", path, parameter.Value.Name, got.status, got.body)
			}
		}
	}
}
