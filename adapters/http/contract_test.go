package http_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	nethttp "net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
	"github.com/go-json-experiment/json"

	"github.com/userfarm/userfarm/adapters/http"
	"github.com/userfarm/userfarm/adapters/http/internal/api"
	"github.com/userfarm/userfarm/adapters/http/problem"
)

// contract returns the check of answers against openapi.yaml.
var contract = sync.OnceValue(func() *contractCheck {
	doc, err := loadSpec()
	if err != nil {
		panic(err)
	}
	closeSchemas(doc)
	router, err := legacy.NewRouter(doc)
	if err != nil {
		panic(err)
	}
	openapi3.DefineStringFormatValidator("uuid", openapi3.NewRegexpFormatValidator(canonicalUUID))
	for _, text := range []string{"application/yaml", "text/html", "text/css", "application/javascript", "image/png", "text/event-stream"} {
		openapi3filter.RegisterBodyDecoder(text, openapi3filter.PlainBodyDecoder)
	}
	return &contractCheck{doc: doc, router: router}
})

const canonicalUUID = `^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`

func loadSpec() (*openapi3.T, error) {
	loader := openapi3.NewLoader()
	doc, err := loader.LoadFromData(http.OpenAPI)
	if err != nil {
		return nil, err
	}
	return doc, doc.Validate(loader.Context)
}

// closeSchemas makes the schemas reject members that are not described, even if clients should accept them.
func closeSchemas(doc *openapi3.T) {
	for _, schema := range doc.Components.Schemas {
		if len(schema.Value.Properties) > 0 {
			schema.Value.AdditionalProperties = openapi3.AdditionalProperties{Has: new(false)}
		}
	}
}

// contractCheck compares answers with what openapi.yaml describes.
type contractCheck struct {
	doc    *openapi3.T
	router routers.Router
}

// check returns an error unless the answer is described: its status, content type, headers, body and problem code.
func (c *contractCheck) check(req *nethttp.Request, resp *nethttp.Response, body []byte) error {
	if req.Method == nethttp.MethodHead {
		if len(body) > 0 {
			return errors.New("the answer to HEAD has a body")
		}
		return nil // the answer to GET is described
	}
	if strings.HasPrefix(req.URL.Path, "/ui/") {
		return nil // the page is no part of the API
	}
	code, err := problemCode(resp, body)
	if err != nil {
		return err
	}
	route, pathParams, err := c.router.FindRoute(described(req))
	if err != nil {
		if code != api.CodeNotFound && code != api.CodeMethodNotAllowed && code != api.CodeMalformed {
			return fmt.Errorf("a route that is not described answers %d %s", resp.StatusCode, code)
		}
		return nil
	}
	err = openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: req, PathParams: pathParams, Route: route},
		Status:                 resp.StatusCode,
		Header:                 resp.Header,
		Body:                   io.NopCloser(bytes.NewReader(body)),
		Options:                &openapi3filter.Options{IncludeResponseStatus: true},
	})
	if err != nil {
		return err
	}
	response := route.Operation.Responses.Status(resp.StatusCode)
	if response == nil {
		response = route.Operation.Responses.Default()
	}
	return checkExhaustive(response.Value, code, body)
}

// checkExhaustive checks what the validation does not: a response without a described body has none, and each problem code
// has an example.
func checkExhaustive(response *openapi3.Response, code api.Code, body []byte) error {
	if len(response.Content) == 0 && len(body) > 0 {
		return errors.New("the answer has a body, and none is described")
	}
	if code == "" {
		return nil
	}
	if _, ok := response.Content["application/problem+json"].Examples[string(code)]; !ok {
		return fmt.Errorf("no example of the response has the code %s", code)
	}
	return nil
}

// problemCode returns the code of an answer that is a problem. Only the legacy lock routes answer errors that are not
// problems.
func problemCode(resp *nethttp.Response, body []byte) (api.Code, error) {
	if resp.Header.Get("Content-Type") != "application/problem+json" {
		return "", nil
	}
	var got api.Problem
	if err := json.Unmarshal(body, &got, json.RejectUnknownMembers(true)); err != nil {
		return "", fmt.Errorf("the problem is invalid: %w", err)
	}
	row := slices.IndexFunc(problem.Kinds(), func(k problem.Kind) bool { return k.Code == got.Code })
	if row < 0 {
		return "", fmt.Errorf("no problem has the code %s", got.Code)
	}
	kind := problem.Kinds()[row]
	if got.Status != resp.StatusCode || got.Status != kind.Status || got.Title != kind.Title ||
		got.Type != "urn:userfarm:problem:"+string(got.Code) || got.Detail == "" {
		return "", fmt.Errorf("the problem contradicts its status %d or its code: %+v", resp.StatusCode, got)
	}
	return got.Code, nil
}

// described returns the request without host and query, which the description does not have.
func described(req *nethttp.Request) *nethttp.Request {
	plain := req.Clone(req.Context())
	plain.URL = &url.URL{Path: req.URL.Path, RawPath: req.URL.RawPath}
	return plain
}

// contractTransport fails the test at the first answer that openapi.yaml does not describe.
type contractTransport struct {
	next   nethttp.RoundTripper
	report func(format string, args ...any)
}

// answeredSecrets matches the secrets in answers, except passwords. Of sessions, which may have any text, these are those of tests
// that begin with "cookie-".
var answeredSecrets = regexp.MustCompile(`"(?:(?:lease_id|token|code)":"|session":"cookie-)([^"]+)"`)

// mayHaveSecrets matches the answers that may have secrets, by their methods, paths and statuses.
var mayHaveSecrets = regexp.MustCompile(
	`^(POST /v1/leases 201|GET /v1/leases/[^/]+ 200|POST /v1/leases/[^/]+/(renew|users/[^/]+/otp) 200|GET /v1/leases/[^/]+/users/[^/]+/session 200|POST /v1/keys 201|` +
		`POST /create_user 200|GET /get_users 200|POST /v1/users/export 200)$`)

// RoundTrip implements [nethttp.RoundTripper]. An answer that breaks off is an error.
func (t contractTransport) RoundTrip(req *nethttp.Request) (*nethttp.Response, error) {
	noteSecrets(req)
	resp, err := t.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	if name := fmt.Sprint(req.Method, " ", req.URL.Path, " ", resp.StatusCode); mayHaveSecrets.MatchString(name) {
		for _, match := range answeredSecrets.FindAllSubmatch(body, -1) {
			secrets.add(string(match[1]))
		}
	} else if n := secrets.in(string(body) + fmt.Sprint(resp.Header)); n > 0 {
		t.report("%s contains %d secrets", name, n)
	}
	if err := contract().check(req, resp, body); err != nil {
		t.report("%s %s: %v", req.Method, req.URL.Path, err)
	}
	return resp, nil
}

// noteSecrets notes the secrets of a request, which no answer may quote. Short texts may be in an answer by chance.
func noteSecrets(req *nethttp.Request) {
	for _, name := range []string{"Idempotency-Key", "Authorization"} {
		for _, value := range req.Header[name] {
			if len(value) > 20 {
				secrets.add(value)
				secrets.add(strings.TrimPrefix(value, "Bearer "))
			}
		}
	}
}
