package domain

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// FieldError names a field and the rule that it breaks. It never quotes the value of the field, which may be a secret.
type FieldError struct {
	Pointer string // JSON pointer (RFC 6901) to the field in the input
	Detail  string // the rule, as the predicate of a sentence about the field
}

// InvalidError lists all fields of an input that break a rule. It is an [ErrInvalid].
type InvalidError struct {
	Fields []FieldError // at least one
}

// Invalid returns the error of one bad field.
func Invalid(pointer, detail string) *InvalidError {
	return &InvalidError{Fields: []FieldError{{Pointer: pointer, Detail: detail}}}
}

// Error lists the fields and their rules.
func (e *InvalidError) Error() string {
	var b strings.Builder
	b.WriteString(ErrInvalid.Error())
	for i, f := range e.Fields {
		sep := "; "
		if i == 0 {
			sep = ": "
		}
		fmt.Fprintf(&b, "%s%s %s", sep, f.Pointer, f.Detail)
	}
	return b.String()
}

// Is makes every InvalidError an [ErrInvalid].
func (e *InvalidError) Is(target error) bool { return target == ErrInvalid }

// JoinInvalid returns one [InvalidError] with the fields of all errs, each of which is nil or an InvalidError. It returns
// nil if all are nil.
func JoinInvalid(errs ...error) error {
	var v violations
	for _, err := range errs {
		if invalid, ok := errors.AsType[*InvalidError](err); ok {
			v = append(v, invalid.Fields...)
		}
	}
	return v.err()
}

// violations collects the fields of one input that break a rule.
type violations []FieldError

func (v *violations) add(pointer, format string, args ...any) {
	*v = append(*v, FieldError{Pointer: pointer, Detail: fmt.Sprintf(format, args...)})
}

// name checks a text that must not be empty. Control characters are rejected, because terminals and databases mishandle
// them.
func (v *violations) name(pointer, value string, longest int) {
	if value == "" {
		v.add(pointer, "must not be empty")
		return
	}
	v.text(pointer, value, longest)
}

// text checks a text like name, but it may be empty.
func (v *violations) text(pointer, value string, longest int) {
	switch {
	case !utf8.ValidString(value):
		v.add(pointer, "must be valid UTF-8")
	case utf8.RuneCountInString(value) > longest:
		v.add(pointer, "must have at most %d characters", longest)
	case strings.ContainsFunc(value, unicode.IsControl):
		v.add(pointer, "must not contain control characters")
	}
}

func (v violations) err() error {
	if len(v) == 0 {
		return nil
	}
	return &InvalidError{Fields: v}
}
