// Package read reads the parts of a request: JSON bodies, queries, headers, ids and cursors. Its errors are
// [domain.InvalidError], which name every bad part, or problems of package problem.
package read

import (
	"errors"
	"fmt"
	"math"
	"mime"
	"reflect"
	"strconv"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/gofiber/fiber/v2"

	"github.com/userfarm/userfarm/adapters/http/problem"
	"github.com/userfarm/userfarm/domain"
)

// Body reads the JSON body of a request into dst, a pointer to a zero request of package api, and checks the validate tags
// of dst. It returns a [domain.InvalidError] that names every member that is unknown, has the wrong type or breaks its tag.
// A member that can't be read stays zero in dst.
func Body(c *fiber.Ctx, dst any) error {
	if err := checkBody(c); err != nil {
		return err
	}
	return decode(c.Request().Body(), dst)
}

// checkBody returns an error if the request has no body, or one that is not announced as JSON.
func checkBody(c *fiber.Ctx) error {
	if len(c.Request().Body()) == 0 {
		return problem.Explain(problem.ErrMalformed, "The body is empty. Send a JSON object.")
	}
	return checkType(c, fiber.MIMEApplicationJSON)
}

// checkType returns an error if the body is not announced as one of this type, or if it is compressed.
func checkType(c *fiber.Ctx, want string) error {
	header := &c.Request().Header
	if announced := header.ContentType(); string(announced) != want {
		mediaType, _, err := mime.ParseMediaType(string(announced))
		if err != nil || mediaType != want {
			return problem.ErrUnsupportedMediaType
		}
	}
	// A small compressed body could become a very large one.
	if encoding := header.ContentEncoding(); len(encoding) > 0 && !strings.EqualFold(string(encoding), "identity") {
		return problem.Explain(problem.ErrUnsupportedMediaType, "Send the body uncompressed, without the header Content-Encoding.")
	}
	return nil
}

// decode is [Body] for the bytes of a body.
func decode(body []byte, dst any) error {
	var r bodyReader
	err := json.Unmarshal(body, dst, json.WithUnmarshalers(json.UnmarshalFromFunc(r.read)))
	if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return malformed(syntax)
	}
	if err != nil {
		return err
	}
	if err := validation.Struct(dst); err != nil || len(r.unread) > 0 {
		return invalid(r.unread, brokenTags(err))
	}
	return nil
}

// OptionalBody is [Body] for a request that needs no body. Without one, in the sense of [IsNoBody], dst stays as it is
// and the content type does not matter.
func OptionalBody(c *fiber.Ctx, dst any) error {
	if IsNoBody(c.Request().Body()) {
		return nil
	}
	return Body(c, dst)
}

// malformed returns the problem of a body that is not JSON. JSON is UTF-8, and an object has no name twice. The error of
// package json may quote a password in the body, so the problem has its offset only.
func malformed(err *jsontext.SyntacticError) error {
	if errors.Is(err, jsontext.ErrDuplicateName) {
		return problem.Explain(problem.ErrMalformed, "The body has a member twice, at byte %d.", err.ByteOffset)
	}
	return problem.Explain(problem.ErrMalformed, "The body is not JSON: it breaks off or goes wrong at byte %d.", err.ByteOffset)
}

// bodyReader reads the members of a body strictly, and notes those that it can't read. Package json alone would stop at
// the first unknown or mistyped member, and would accept null everywhere.
type bodyReader struct{ unread []domain.FieldError }

// jsonKinds maps the kinds of Go fields to the JSON values that they are read from.
var jsonKinds = map[reflect.Kind]struct {
	kind jsontext.Kind
	rule string
}{
	reflect.String: {jsontext.KindString, "must be a string"},
	reflect.Int32:  {jsontext.KindNumber, "must be an integer"},
	reflect.Int64:  {jsontext.KindNumber, "must be an integer"},
	reflect.Slice:  {jsontext.KindBeginArray, "must be an array"},
	reflect.Map:    {jsontext.KindBeginObject, "must be an object"},
	reflect.Struct: {jsontext.KindBeginObject, "must be an object"},
}

// read reads the next value into dst, a pointer. Package json calls it for every value, and reads the value itself after
// [errors.ErrUnsupported].
func (r *bodyReader) read(dec *jsontext.Decoder, dst any) error {
	value := reflect.ValueOf(dst).Elem()
	typ := value.Type()
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	want := jsonKinds[typ.Kind()]
	switch got := dec.PeekKind(); {
	case got == jsontext.KindInvalid:
		_, err := dec.ReadToken()
		return err
	case got != want.kind:
		return r.skip(dec, want.rule)
	case value.CanInt():
		return r.readInteger(dec, value)
	case value.Kind() != reflect.Struct:
		return errors.ErrUnsupported
	}
	members, known := membersOf.Load(typ)
	if !known {
		members, _ = membersOf.LoadOrStore(typ, findMembers(typ))
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for dec.PeekKind() != jsontext.KindEndObject {
		name, err := dec.ReadToken()
		if err != nil {
			return err
		}
		if index, known := members.(map[string]int)[name.String()]; known {
			err = json.UnmarshalDecode(dec, value.Field(index).Addr().Interface())
		} else {
			err = r.skip(dec, "is not known here")
		}
		if err != nil {
			return err
		}
	}
	_, err := dec.ReadToken()
	return err
}

// readInteger reads an integer, which JSON may write as 300, 300.0 or 3e2.
func (r *bodyReader) readInteger(dec *jsontext.Decoder, number reflect.Value) error {
	text, err := dec.ReadValue()
	if err != nil {
		return err
	}
	if parsed, whole := parseInteger(string(text)); whole && !number.OverflowInt(parsed) {
		number.SetInt(parsed)
	} else {
		r.note(dec, fmt.Sprintf("must be an integer of at most %d bits", number.Type().Bits()))
	}
	return nil
}

func parseInteger(text string) (parsed int64, whole bool) {
	if parsed, err := strconv.ParseInt(text, 10, 64); err == nil {
		return parsed, true
	}
	const exact = 1 << 53 // up to here, a float64 is the number that was written
	float, _ := strconv.ParseFloat(text, 64)
	if float != math.Trunc(float) || math.Abs(float) > exact {
		return 0, false
	}
	return int64(float), true
}

// skip reads a value that breaks a rule.
func (r *bodyReader) skip(dec *jsontext.Decoder, rule string) error {
	if err := dec.SkipValue(); err != nil {
		return err
	}
	r.note(dec, rule)
	return nil
}

// note adds the last value that was read to the unread ones.
func (r *bodyReader) note(dec *jsontext.Decoder, rule string) {
	r.unread = append(r.unread, domain.FieldError{Pointer: string(dec.StackPointer()), Detail: rule})
}

// membersOf caches the result of findMembers for each type.
var membersOf sync.Map

// findMembers returns the indexes of the fields of a struct by their JSON names.
func findMembers(object reflect.Type) map[string]int {
	members := make(map[string]int, object.NumField())
	for i := range object.NumField() {
		members[jsonName(object.Field(i))] = i
	}
	return members
}

func jsonName(field reflect.StructField) string {
	name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
	return name
}
