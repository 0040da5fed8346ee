package http

import (
	"bytes"
	"maps"
	"mime"
	"mime/multipart"
	"net/url"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"

	"github.com/userfarm/userfarm/domain"
)

// seedFields are the fields of a request to a seed route, wherever they came from. Those that are asked for and missing
// or wrong are noted.
type seedFields struct {
	values map[string]seedField
	wrong  []domain.FieldError
}

// seedField is the value of a field. A JSON body may give one that is no text.
type seedField struct {
	text   string
	isText bool
}

// readSeedFields reads all fields of a request, those of the body before those of the query. It returns a
// [domain.InvalidError] if the body or the query can't be read.
func readSeedFields(c *fiber.Ctx) (*seedFields, error) {
	query, err := parseQuery(rawQuery(c))
	if err != nil {
		return nil, err
	}
	values := formFields(query)
	body, err := seedBodyFields(c.Get(fiber.HeaderContentType), c.BodyRaw())
	if err != nil {
		return nil, err
	}
	maps.Copy(values, body)
	return &seedFields{values: values}, nil
}

// text returns a field that must not be empty.
func (f *seedFields) text(name string) string {
	field, given := f.values[name]
	switch {
	case given && !field.isText:
		f.note(name, "must be a string")
	case field.text == "":
		f.note(name, "is required")
	}
	return field.text
}

// id returns a field that must be a UUID, in any form that the seed took: without hyphens, say.
func (f *seedFields) id(name string) [16]byte {
	before := len(f.wrong)
	id, err := uuid.Parse(f.text(name))
	if (err != nil || id == uuid.Nil) && len(f.wrong) == before {
		f.note(name, idRule)
	}
	return id
}

func (f *seedFields) note(name, rule string) {
	f.wrong = append(f.wrong, domain.FieldError{Pointer: "/" + name, Detail: rule})
}

// err returns the error of all fields that were asked for and are missing or wrong, or nil.
func (f *seedFields) err() error { return invalidFields(f.wrong, nil) }

// seedBodyFields reads a body by its media type, but takes what begins like JSON for JSON: curl says that a body is a
// form unless it is told otherwise.
func seedBodyFields(contentType string, body []byte) (map[string]seedField, error) {
	body = bytes.TrimSpace(body)
	mediaType, params, _ := mime.ParseMediaType(contentType) // a type that can't be read is none that is known
	switch {
	case len(body) == 0:
		return nil, nil
	case body[0] == '{' || mediaType == fiber.MIMEApplicationJSON:
		return jsonFields(body)
	case mediaType == fiber.MIMEMultipartForm:
		return multipartFields(body, params["boundary"])
	case mediaType == fiber.MIMEApplicationForm:
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, domain.Invalid("", "must be a form of name=value&name=value, percent-encoded")
		}
		return formFields(form), nil
	default:
		return nil, nil
	}
}

func jsonFields(body []byte) (map[string]seedField, error) {
	var members map[string]jsontext.Value
	if err := json.Unmarshal(body, &members, jsontext.AllowDuplicateNames(true)); err != nil {
		return nil, domain.Invalid("", "must be a JSON object")
	}
	fields := make(map[string]seedField, len(members))
	for name, value := range members {
		var field seedField
		field.isText = json.Unmarshal(value, &field.text) == nil && value.Kind() == jsontext.KindString
		fields[name] = field
	}
	return fields, nil
}

func multipartFields(body []byte, boundary string) (map[string]seedField, error) {
	form, err := multipart.NewReader(bytes.NewReader(body), boundary).ReadForm(maxBody)
	if err != nil {
		return nil, domain.Invalid("", "must be a form with the boundary that its Content-Type names")
	}
	defer func() { _ = form.RemoveAll() }() // removes nothing: no body is too large for memory
	return formFields(form.Value), nil
}

func formFields(form map[string][]string) map[string]seedField {
	fields := make(map[string]seedField, len(form))
	for name, values := range form {
		fields[name] = seedField{text: values[0], isText: true}
	}
	return fields
}
