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

// legacyFields are the fields of a request to a legacy route, wherever they came from. Those that are asked for and missing
// or wrong are noted.
type legacyFields struct {
	values map[string]legacyField
	wrong  []domain.FieldError
}

// legacyField is the value of a field. A JSON body may give one that is no text.
type legacyField struct {
	text   string
	isText bool
}

// readLegacyFields reads all fields of a request, those of the body before those of the query. It returns a
// [domain.InvalidError] if the body or the query can't be read.
func readLegacyFields(c *fiber.Ctx) (*legacyFields, error) {
	query, err := parseQuery(rawQuery(c))
	if err != nil {
		return nil, err
	}
	values := formFields(query)
	body, err := legacyBodyFields(c.Get(fiber.HeaderContentType), c.BodyRaw())
	if err != nil {
		return nil, err
	}
	maps.Copy(values, body)
	return &legacyFields{values: values}, nil
}

// text returns a field that must not be empty.
func (f *legacyFields) text(name string) string {
	field, given := f.values[name]
	switch {
	case given && !field.isText:
		f.note(name, "must be a string")
	case field.text == "":
		f.note(name, "is required")
	}
	return field.text
}

// id returns a field that must be a UUID, in any form that the first version of the service took: without hyphens, for example.
func (f *legacyFields) id(name string) [16]byte {
	before := len(f.wrong)
	id, err := uuid.Parse(f.text(name))
	if (err != nil || id == uuid.Nil) && len(f.wrong) == before {
		f.note(name, idRule)
	}
	return id
}

func (f *legacyFields) note(name, rule string) {
	f.wrong = append(f.wrong, domain.FieldError{Pointer: "/" + name, Detail: rule})
}

// err returns the error of all fields that were asked for and are missing or wrong, or nil.
func (f *legacyFields) err() error { return invalidFields(f.wrong, nil) }

// legacyBodyFields reads a body by its media type, but takes what begins like JSON for JSON: curl says that a body is a
// form unless it is told otherwise.
func legacyBodyFields(contentType string, body []byte) (map[string]legacyField, error) {
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

func jsonFields(body []byte) (map[string]legacyField, error) {
	var members map[string]jsontext.Value
	if err := json.Unmarshal(body, &members, jsontext.AllowDuplicateNames(true)); err != nil {
		return nil, domain.Invalid("", "must be a JSON object")
	}
	fields := make(map[string]legacyField, len(members))
	for name, value := range members {
		var field legacyField
		field.isText = json.Unmarshal(value, &field.text) == nil && value.Kind() == jsontext.KindString
		fields[name] = field
	}
	return fields, nil
}

func multipartFields(body []byte, boundary string) (map[string]legacyField, error) {
	form, err := multipart.NewReader(bytes.NewReader(body), boundary).ReadForm(maxBody)
	if err != nil {
		return nil, domain.Invalid("", "must be a form with the boundary that its Content-Type names")
	}
	defer func() { _ = form.RemoveAll() }() // removes nothing: no body is too large for memory
	return formFields(form.Value), nil
}

func formFields(form map[string][]string) map[string]legacyField {
	fields := make(map[string]legacyField, len(form))
	for name, values := range form {
		fields[name] = legacyField{text: values[0], isText: true}
	}
	return fields
}
