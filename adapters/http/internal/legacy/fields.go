package legacy

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

	"github.com/userfarm/userfarm/adapters/http/internal/read"
	"github.com/userfarm/userfarm/domain"
)

// maxForm is the most bytes of a form that are kept in memory. The server accepts no larger body.
const maxForm = 1 << 20

// fields are the fields of a request, from the body and the query. They note which ones were asked for and are missing or
// wrong.
type fields struct {
	values map[string]field
	wrong  []domain.FieldError
}

// field is the value of a field. In a JSON body it may be something other than a text.
type field struct {
	text   string
	isText bool
}

// readFields reads all fields of a request. A field of the body replaces one of the query. It returns a
// [domain.InvalidError] if the body or the query can't be read.
func readFields(c *fiber.Ctx) (*fields, error) {
	query, err := read.Query(read.RawQuery(c))
	if err != nil {
		return nil, err
	}
	values := formFields(query)
	body, err := bodyFields(c.Get(fiber.HeaderContentType), c.BodyRaw())
	if err != nil {
		return nil, err
	}
	maps.Copy(values, body)
	return &fields{values: values}, nil
}

// text returns a field that must not be empty.
func (f *fields) text(name string) string {
	value, given := f.values[name]
	switch {
	case given && !value.isText:
		f.note(name, "must be a string")
	case value.text == "":
		f.note(name, "is required")
	}
	return value.text
}

// id returns a field that must be a UUID. It accepts every form that the first version of the service accepted, such as one
// without hyphens.
func (f *fields) id(name string) [16]byte {
	before := len(f.wrong)
	id, err := uuid.Parse(f.text(name))
	if (err != nil || id == uuid.Nil) && len(f.wrong) == before {
		f.note(name, domain.IDRule)
	}
	return id
}

func (f *fields) note(name, rule string) {
	f.wrong = append(f.wrong, domain.FieldError{Pointer: "/" + name, Detail: rule})
}

// err returns the error of all fields that were asked for and are missing or wrong, or nil.
func (f *fields) err() error { return read.Invalid(f.wrong) }

// bodyFields reads a body by its media type. A body that looks like a JSON object is read as JSON in any case, because curl
// calls every body a form by default.
func bodyFields(contentType string, body []byte) (map[string]field, error) {
	body = bytes.TrimSpace(body)
	mediaType, params, _ := mime.ParseMediaType(contentType) // an unreadable type is like an unknown one
	switch {
	case read.IsNoBody(body):
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

func jsonFields(body []byte) (map[string]field, error) {
	var members map[string]jsontext.Value
	if err := json.Unmarshal(body, &members, jsontext.AllowDuplicateNames(true)); err != nil {
		return nil, domain.Invalid("", "must be a JSON object")
	}
	fields := make(map[string]field, len(members))
	for name, value := range members {
		var f field
		f.isText = json.Unmarshal(value, &f.text) == nil && value.Kind() == jsontext.KindString
		fields[name] = f
	}
	return fields, nil
}

func multipartFields(body []byte, boundary string) (map[string]field, error) {
	form, err := multipart.NewReader(bytes.NewReader(body), boundary).ReadForm(maxForm)
	if err != nil {
		return nil, domain.Invalid("", "must be a form with the boundary that its Content-Type names")
	}
	defer func() { _ = form.RemoveAll() }() // removes nothing, because all is in memory
	return formFields(form.Value), nil
}

func formFields(form map[string][]string) map[string]field {
	fields := make(map[string]field, len(form))
	for name, values := range form {
		fields[name] = field{text: values[0], isText: true}
	}
	return fields
}
