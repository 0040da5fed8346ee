package main

import (
	"maps"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// page is a description as the layout shows it.
type page struct {
	Title      string
	Intro      string
	Groups     []group
	AnyRequest response // what any request may be answered
	Problems   []problem
	Schemas    []schema
}

// group has the operations of one tag.
type group struct {
	Name        string
	Description string
	Operations  []operation
}

// operation is a method of a path.
type operation struct {
	ID          string
	Method      string
	Path        string
	Summary     string
	Description string
	Parameters  []field
	Body        string // schema of the request; empty without one
	Optional    bool   // whether the body is
	Examples    []example
	Responses   []response
}

// response is what an operation may answer under one status.
type response struct {
	Status      string
	Description string
	Type        typeName // of the answer; empty for a problem, or without one
	Codes       []string // of the problem
	Examples    []example
}

// example is a request as a command, or an answer as JSON.
type example struct{ Summary, Text string }

// problem is a row of the table of problems.
type problem struct {
	Code, Title, Detail string
	Status              any
}

// methods in the order in which they are shown.
var methods = []string{"POST", "GET", "PATCH", "DELETE"}

func viewPage(doc *openapi3.T) page {
	view := page{Title: doc.Info.Title, Intro: doc.Info.Description}
	for _, tag := range doc.Tags {
		view.Groups = append(view.Groups, group{tag.Name, tag.Description, viewOperations(doc, tag.Name)})
	}
	view.AnyRequest = viewResponse("default", doc.Components.Responses["Unexpected"].Value)
	for _, code := range doc.Components.Schemas["Code"].Value.Enum {
		value := doc.Components.Examples[code.(string)].Value.Value.(map[string]any)
		view.Problems = append(view.Problems,
			problem{code.(string), value["title"].(string), value["detail"].(string), value["status"]})
	}
	for _, name := range slices.Sorted(maps.Keys(doc.Components.Schemas)) {
		view.Schemas = append(view.Schemas, viewSchema(name, doc.Components.Schemas[name].Value))
	}
	return view
}

func viewOperations(doc *openapi3.T, tag string) []operation {
	var views []operation
	for _, path := range slices.Sorted(maps.Keys(doc.Paths.Map())) {
		item := doc.Paths.Value(path)
		for _, method := range methods {
			described := item.GetOperation(method)
			if described == nil || !slices.Contains(described.Tags, tag) {
				continue
			}
			views = append(views, viewOperation(method, path, item.Parameters, described))
		}
	}
	return views
}

func viewOperation(method, path string, shared openapi3.Parameters, described *openapi3.Operation) operation {
	view := operation{
		ID: described.OperationID, Method: method, Path: path,
		Summary: described.Summary, Description: described.Description,
	}
	keyed := described.Security == nil // else it is empty: nobody needs a key
	target := path
	for _, ref := range slices.Concat(shared, described.Parameters) {
		parameter := ref.Value
		view.Parameters = append(view.Parameters, field{
			Name: parameter.Name, Where: parameter.In, Required: parameter.Required,
			Type: typeOf(parameter.Schema), Description: parameter.Description, Limits: limitsOf(parameter.Schema.Value),
		})
		if text, ok := parameter.Example.(string); ok {
			target = strings.ReplaceAll(target, "{"+parameter.Name+"}", text)
		}
	}
	if body := described.RequestBody; body != nil {
		media := body.Value.Content["application/json"]
		view.Body, view.Optional = schemaName(media.Schema), !body.Value.Required
		for _, name := range slices.Sorted(maps.Keys(media.Examples)) {
			sent := media.Examples[name].Value
			text := formatJSON(sent.Value, media.Schema.Value)
			view.Examples = append(view.Examples, example{sent.Summary, curl(keyed, method, target, text)})
		}
	} else {
		view.Examples = []example{{"", curl(keyed, method, target, "")}}
	}
	for _, status := range slices.Sorted(maps.Keys(described.Responses.Map())) {
		if status == "default" {
			continue
		}
		view.Responses = append(view.Responses, viewResponse(status, described.Responses.Value(status).Value))
	}
	return view
}

func viewResponse(status string, described *openapi3.Response) response {
	view := response{Status: status, Description: *described.Description}
	for mediaType, media := range described.Content {
		names := slices.Sorted(maps.Keys(media.Examples))
		if mediaType == "application/problem+json" {
			view.Codes = names
			continue
		}
		if mediaType != "application/json" {
			continue
		}
		view.Type = typeOf(media.Schema)
		for _, name := range names {
			answer := media.Examples[name].Value
			view.Examples = append(view.Examples, example{answer.Summary, formatJSON(answer.Value, media.Schema.Value)})
		}
	}
	return view
}

// curl returns the command that sends a request. USERFARM is where the farm is, USERFARM_KEY the token of an API key.
func curl(keyed bool, method, target, body string) string {
	command := "curl "
	if method != "GET" {
		command += "-X " + method + " "
	}
	command += `"$USERFARM` + target + `"`
	if keyed {
		command += " \\\n  -H \"Authorization: Bearer $USERFARM_KEY\""
	}
	if body != "" {
		command += " \\\n  -H 'Content-Type: application/json' \\\n  -d '" + strings.ReplaceAll(body, "'", `'\''`) + "'"
	}
	return command
}
