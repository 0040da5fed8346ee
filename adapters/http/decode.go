package http

import (
	"errors"
	"math"
	"mime"
	"reflect"
	"strconv"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/gofiber/fiber/v2"

	"github.com/userfarm/userfarm/domain"
)

// decodeBody reads the JSON body of a /v1 request into dst, which points to a zero request of server.gen.go, and checks
// it against its validate tags. It returns a [domain.InvalidError] that names every member that is unknown, of the
// wrong type, or against its tag.
func decodeBody(c *fiber.Ctx, dst any) error {
	body := c.BodyRaw()
	if len(body) == 0 {
		return explain(errMalformed, "The body is empty. Send a JSON object.")
	}
	if err := checkMediaType(c); err != nil {
		return err
	}
	unread, err := unmarshal(body, dst)
	if err != nil {
		return err
	}
	return invalidFields(unread, validate(dst))
}

// decodeOptionalBody is decodeBody for a request that may come without a body.
func decodeOptionalBody(c *fiber.Ctx, dst any) error {
	if len(c.BodyRaw()) == 0 {
		return nil
	}
	return decodeBody(c, dst)
}

func checkMediaType(c *fiber.Ctx) error {
	mediaType, _, err := mime.ParseMediaType(c.Get(fiber.HeaderContentType))
	if err != nil || mediaType != fiber.MIMEApplicationJSON {
		return errUnsupportedMediaType
	}
	// Unpacking would let a small body become a large one.
	if encoding := c.Get(fiber.HeaderContentEncoding, "identity"); !strings.EqualFold(encoding, "identity") {
		return explain(errUnsupportedMediaType, "Send the body as it is, without the header Content-Encoding.")
	}
	return nil
}

// unmarshal reads JSON into the struct that dst points to. It returns the members that don't fit dst, and leaves what is
// theirs zero; or an error if body is not JSON (which has UTF-8 throughout and no name twice in an object).
func unmarshal(body []byte, dst any) (unread []domain.FieldError, err error) {
	var r strictReader
	err = json.Unmarshal(body, dst, json.WithUnmarshalers(json.UnmarshalFromFunc(r.read)))
	syntactic, ok := errors.AsType[*jsontext.SyntacticError](err)
	if !ok {
		return r.unread, err
	}
	// The error itself may quote the body, which may hold a password.
	if errors.Is(err, jsontext.ErrDuplicateName) {
		return nil, explain(errMalformed, "The body has a member twice, at byte %d.", syntactic.ByteOffset)
	}
	return nil, explain(errMalformed, "The body is not JSON: it breaks off or goes wrong at byte %d.", syntactic.ByteOffset)
}

// strictReader reads JSON values into Go values and notes all that don't fit, where package json would stop at the first
// unknown or mistyped one, and take null for anything.
type strictReader struct{ unread []domain.FieldError }

// jsonKinds says what JSON each kind of field is read from.
var jsonKinds = map[reflect.Kind]struct {
	kind jsontext.Kind
	rule string
}{
	reflect.String: {jsontext.KindString, "must be a string"},
	reflect.Int32:  {jsontext.KindNumber, "must be an integer"},
	reflect.Slice:  {jsontext.KindBeginArray, "must be an array"},
	reflect.Map:    {jsontext.KindBeginObject, "must be an object"},
	reflect.Struct: {jsontext.KindBeginObject, "must be an object"},
}

// read is called for every value that is about to be read, whatever the type of dst, a pointer. It leaves to package
// json what fits.
func (r *strictReader) read(dec *jsontext.Decoder, dst any) error {
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
	case value.Kind() == reflect.Struct:
		return r.readObject(dec, value)
	case value.Kind() == reflect.Int32:
		return r.readInt32(dec, value)
	default:
		return errors.ErrUnsupported
	}
}

func (r *strictReader) readObject(dec *jsontext.Decoder, object reflect.Value) error {
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for dec.PeekKind() != jsontext.KindEndObject {
		name, err := dec.ReadToken()
		if err != nil {
			return err
		}
		member, known := memberOf(object, name.String())
		if known {
			err = json.UnmarshalDecode(dec, member.Addr().Interface())
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

func (r *strictReader) readInt32(dec *jsontext.Decoder, number reflect.Value) error {
	text, err := dec.ReadValue()
	if err != nil {
		return err
	}
	// 300, 300.0 and 3e2 are one integer. What is out of range parses as an infinity.
	parsed, _ := strconv.ParseFloat(string(text), 64)
	if parsed == math.Trunc(parsed) && math.Abs(parsed) <= math.MaxInt32 {
		number.SetInt(int64(parsed))
	} else {
		r.note(dec, "must be an integer of at most 32 bits")
	}
	return nil
}

func (r *strictReader) skip(dec *jsontext.Decoder, rule string) error {
	if err := dec.SkipValue(); err != nil {
		return err
	}
	r.note(dec, rule)
	return nil
}

// note says that the value which was read last breaks a rule.
func (r *strictReader) note(dec *jsontext.Decoder, rule string) {
	r.unread = append(r.unread, domain.FieldError{Pointer: string(dec.StackPointer()), Detail: rule})
}

// memberOf returns the field of a struct that a JSON object calls name.
func memberOf(object reflect.Value, name string) (reflect.Value, bool) {
	members, ok := membersOf.Load(object.Type())
	if !ok {
		members, _ = membersOf.LoadOrStore(object.Type(), jsonNames(object.Type()))
	}
	index, known := members.(map[string]int)[name]
	if !known {
		return reflect.Value{}, false
	}
	return object.Field(index), true
}

// membersOf keeps what jsonNames found out about a type: it is the same for every request.
var membersOf sync.Map

// jsonNames returns the indexes of a struct's fields by their JSON names.
func jsonNames(object reflect.Type) map[string]int {
	names := make(map[string]int, object.NumField())
	for i := range object.NumField() {
		names[jsonName(object.Field(i))] = i
	}
	return names
}

func jsonName(field reflect.StructField) string {
	name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
	return name
}
