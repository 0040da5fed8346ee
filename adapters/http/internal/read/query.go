package read

import (
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/gofiber/fiber/v2"

	"github.com/userfarm/userfarm/domain"
)

const (
	unknownParameter = "is not a parameter that is known here"
	givenTwice       = "must be given only once"

	// DefaultLimit is the number of items of a page for a query without limit.
	DefaultLimit = 100
	maxLimit     = 1000
)

// Parameters are the parameters that a query may have, by their names.
type Parameters[Q any] map[string]Parameter[Q]

// Parameter sets in q what the values of one parameter ask for. It returns the rule that they break, or an empty text.
type Parameter[Q any] func(q *Q, values []string) (rule string)

// Read sets in q what a raw query asks for. It returns a [domain.InvalidError] that names every parameter that is unknown,
// repeated or wrong. To ignore an unknown filter would list more than the caller asked for.
func (p Parameters[Q]) Read(rawQuery string, q *Q) error {
	values, err := Query(rawQuery)
	if err != nil {
		return err
	}
	var wrong []domain.FieldError
	for _, name := range slices.Sorted(maps.Keys(values)) {
		rule := unknownParameter
		if set, known := p[name]; known {
			rule = set(q, values[name])
		}
		if rule != "" {
			wrong = append(wrong, domain.FieldError{Pointer: string(jsontext.Pointer("").AppendToken(name)), Detail: rule})
		}
	}
	return Invalid(wrong)
}

// Query parses a raw query, percent-encoded. Its error is a [domain.InvalidError].
func Query(rawQuery string) (url.Values, error) {
	values, err := url.ParseQuery(rawQuery)
	if err != nil {
		return nil, domain.Invalid("", "must have a query of the form name=value&name=value, percent-encoded")
	}
	return values, nil
}

// RawQuery returns the query of a request, still percent-encoded.
func RawQuery(c *fiber.Ctx) string { return string(c.Request().URI().QueryString()) }

// Parsed is a parameter that may be given once. parse reads its value into the field of the query, or reports that the
// value breaks the rule.
func Parsed[Q, T any](field func(*Q) *T, parse func(string) (T, bool), rule string) Parameter[Q] {
	return func(q *Q, values []string) string {
		if len(values) > 1 {
			return givenTwice
		}
		parsed, ok := parse(values[0])
		if !ok {
			return rule
		}
		*field(q) = parsed
		return ""
	}
}

// IDParameter is a parameter with an id, as [ID] parses it.
func IDParameter[Q any, T ~[16]byte](field func(*Q) *T) Parameter[Q] {
	return Parsed(field, ID[T], domain.IDRule)
}

// CursorParameter is a parameter with a cursor of [FormatCursor].
func CursorParameter[Q any, T ~[16]byte](field func(*Q) *T) Parameter[Q] {
	return Parsed(field, parseCursor[T], cursorRule)
}

// OrderParameter is a parameter with the order of a list by age: asc, which is the default, or desc for newest first.
func OrderParameter[Q any](newestFirst func(*Q) *bool) Parameter[Q] {
	return Parsed(newestFirst, func(text string) (bool, bool) {
		return text == "desc", text == "asc" || text == "desc"
	}, "must be asc or desc")
}

// LimitParameter is a parameter with the number of items of a page, from 1 to 1000.
func LimitParameter[Q any](field func(*Q) *int) Parameter[Q] {
	return Parsed(field, func(text string) (int, bool) {
		limit, err := strconv.Atoi(text)
		return limit, err == nil && limit >= 1 && limit <= maxLimit
	}, "must be from 1 to "+strconv.Itoa(maxLimit))
}

// TextParameter is a parameter with a text that is not empty and passes [TextRule].
func TextParameter[Q any](field func(*Q) *string) Parameter[Q] {
	return func(q *Q, values []string) string {
		if len(values) > 1 {
			return givenTwice
		}
		if values[0] == "" {
			return "must not be empty"
		}
		*field(q) = values[0]
		return TextRule(values[0])
	}
}

// TextRule returns the rule that a text breaks, or an empty text. No stored text breaks it, and stores can't search for a
// text that does.
func TextRule(text string) string {
	if !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
		return "must be UTF-8 without control characters"
	}
	return ""
}
