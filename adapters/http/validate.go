package http

import (
	"errors"
	"reflect"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/go-playground/validator/v10"

	"github.com/userfarm/userfarm/domain"
)

var validation = newValidation()

func newValidation() *validator.Validate {
	v := validator.New(validator.WithRequiredStructEnabled())
	v.RegisterTagNameFunc(jsonName)
	err := v.RegisterValidation("id", func(field validator.FieldLevel) bool {
		_, ok := parseID[domain.UserID](field.Field().String())
		return ok
	})
	if err != nil {
		panic(err) // only a bad name or function is refused
	}
	return v
}

// validate checks a request against its validate tags, and returns every field that breaks one.
func validate(request any) []domain.FieldError {
	broken, _ := errors.AsType[validator.ValidationErrors](validation.Struct(request))
	fields := make([]domain.FieldError, len(broken))
	for i, b := range broken {
		fields[i] = domain.FieldError{Pointer: pointerOf(b.Namespace()), Detail: ruleOf(b)}
	}
	return fields
}

// pointerOf returns the JSON pointer for a path as the validator writes it: AcquireRequest.users[0].project_id. No name of
// a field needs escaping.
func pointerOf(namespace string) string {
	_, path, _ := strings.Cut(namespace, ".")
	return "/" + pointerSyntax.Replace(path)
}

var pointerSyntax = strings.NewReplacer(".", "/", "[", "/", "]", "")

// ruleOf says what a validate tag of openapi.yaml asks for.
func ruleOf(broken validator.FieldError) string {
	switch tag, param := broken.Tag(), broken.Param(); {
	case tag == "required":
		return "is required"
	case tag == "id":
		return idRule
	case tag == "max":
		return "must have at most " + param + " characters"
	case broken.Kind() == reflect.String:
		return "must not be empty"
	default:
		return "must be at least " + param
	}
}

// invalidFields returns the error that names all fields of both, or nil if there are none. A field that could not be read
// is zero, so what its tag says about that is left out.
func invalidFields(unread, broken []domain.FieldError) error {
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
	if len(fields) == 0 {
		return nil
	}
	return &domain.InvalidError{Fields: fields}
}

// withRules adds to the error of a request that could not be read whole what the rules of the domain say about the rest of
// it, so that one answer names every bad field.
func withRules(err error, rules ...error) error {
	invalid, ok := errors.AsType[*domain.InvalidError](err)
	if !ok {
		return err
	}
	broken, ok := errors.AsType[*domain.InvalidError](domain.JoinInvalid(rules...))
	if !ok {
		return err
	}
	return invalidFields(invalid.Fields, broken.Fields)
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

// join returns the first of errs that is not about fields, else the error that names the fields of all, or nil.
func join(errs ...error) error {
	for _, err := range errs {
		if err != nil && !errors.Is(err, domain.ErrInvalid) {
			return err
		}
	}
	return domain.JoinInvalid(errs...)
}
