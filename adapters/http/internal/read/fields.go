package read

import (
	"errors"
	"reflect"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/go-playground/validator/v10"
	"github.com/google/uuid"

	"github.com/userfarm/userfarm/domain"
)

// validation checks the validate tags of package api. The tag id accepts exactly what [ID] accepts.
var validation = func() *validator.Validate {
	v := validator.New(validator.WithRequiredStructEnabled())
	v.RegisterTagNameFunc(jsonName)
	v.RegisterAlias("id", "uuid_rfc4122,ne="+uuid.Nil.String())
	return v
}()

// brokenTags returns the fields that break their validate tags, from the error of the validation.
func brokenTags(err error) []domain.FieldError {
	broken, _ := errors.AsType[validator.ValidationErrors](err)
	fields := make([]domain.FieldError, len(broken))
	for i, b := range broken {
		// The path is like AcquireRequest.users[0].project_id. No name needs escaping in a pointer.
		_, path, _ := strings.Cut(b.Namespace(), ".")
		fields[i] = domain.FieldError{Pointer: "/" + pointerSyntax.Replace(path), Detail: ruleOf(b)}
	}
	return fields
}

var pointerSyntax = strings.NewReplacer(".", "/", "[", "/", "]", "")

// ruleOf says what the broken tag demands.
func ruleOf(broken validator.FieldError) string {
	switch tag, param := broken.Tag(), broken.Param(); {
	case tag == "required":
		return "is required"
	case tag == "id":
		return domain.IDRule
	case tag == "max":
		return "must have at most " + param + " characters"
	case broken.Kind() == reflect.String:
		return "must not be empty"
	default:
		return "must be at least " + param
	}
}

// invalid returns the error that names all fields of both, or nil if there are none. A field that could not be read is
// zero. What its tag says about the zero value is left out.
func invalid(unread, broken []domain.FieldError) error {
	zero := make(map[jsontext.Pointer]bool, len(unread))
	for _, f := range unread {
		zero[jsontext.Pointer(f.Pointer)] = true
	}
	fields := unread
	for _, f := range broken {
		if !within(zero, jsontext.Pointer(f.Pointer)) {
			fields = append(fields, f)
		}
	}
	return Invalid(fields)
}

// Invalid returns the error that names all fields, or nil if there are none.
func Invalid(fields []domain.FieldError) error {
	if len(fields) == 0 {
		return nil
	}
	return &domain.InvalidError{Fields: fields}
}

// within reports whether set has the pointer or one of its parents.
func within(set map[jsontext.Pointer]bool, pointer jsontext.Pointer) bool {
	for ; pointer != ""; pointer = pointer.Parent() {
		if set[pointer] {
			return true
		}
	}
	return set[""]
}

// Join returns the first of errs that is not about fields. If there is none, it returns the error that names the fields of
// all, or nil.
func Join(errs ...error) error {
	for _, err := range errs {
		if err != nil && !errors.Is(err, domain.ErrInvalid) {
			return err
		}
	}
	return domain.JoinInvalid(errs...)
}

// WithRules adds the fields of rules, which are errors of the domain, to the error of a request of which some fields could
// not be read. One answer then names every bad field.
func WithRules(err error, rules ...error) error {
	unread, ok := errors.AsType[*domain.InvalidError](err)
	if !ok {
		return err
	}
	broken, ok := errors.AsType[*domain.InvalidError](domain.JoinInvalid(rules...))
	if !ok {
		return err
	}
	return invalid(unread.Fields, broken.Fields)
}
