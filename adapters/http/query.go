package http

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/gofiber/fiber/v2"

	"github.com/userfarm/userfarm/domain"
)

const (
	unknownParameter = "is not a parameter that is known here"
	givenTwice       = "must be given only once"
)

// parameters are those that a query may have. Each sets in q what its values ask for, and returns the rule that they
// break, if they do.
type parameters[Q any] map[string]func(q *Q, values []string) (rule string)

// once is a parameter that must not be repeated.
func once[Q any](set func(q *Q, value string) (rule string)) func(q *Q, values []string) (rule string) {
	return func(q *Q, values []string) string {
		if len(values) > 1 {
			return givenTwice
		}
		return set(q, values[0])
	}
}

// read sets in q what a query asks for. It returns a [domain.InvalidError] that names every parameter that is unknown,
// repeated or wrong: one that was passed over would list more than what was asked for.
func (p parameters[Q]) read(rawQuery string, q *Q) error {
	values, err := parseQuery(rawQuery)
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
			wrong = append(wrong, domain.FieldError{Pointer: parameterPointer(name), Detail: rule})
		}
	}
	return invalidFields(wrong, nil)
}

// lists are the routes under /v1 that know parameters, for a reader.
var lists = []string{"/v1/users", "/v1/events", "/v1/events/stream", "/v1/keys"}

// checkQuery refuses parameters on the /v1 routes that know none.
func checkQuery(c *fiber.Ctx, next fiber.Handler) error {
	route := c.Route()
	listed := slices.Contains(lists, route.Path) && route.Method != fiber.MethodPost
	if strings.HasPrefix(route.Path, "/v1/") && !listed {
		none := parameters[struct{}]{}
		if err := none.read(rawQuery(c), &struct{}{}); err != nil {
			return err
		}
	}
	return next(c)
}

func parseQuery(raw string) (url.Values, error) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, domain.Invalid("", "must have a query of the form name=value&name=value, percent-encoded")
	}
	return values, nil
}

func rawQuery(c *fiber.Ctx) string { return string(c.Request().URI().QueryString()) }

func parameterPointer(name string) string { return string(jsontext.Pointer("").AppendToken(name)) }
