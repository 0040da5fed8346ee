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

const unknownParameter = "is not a parameter that is known here"

// checkQuery refuses parameters on the /v1 routes that know none.
func checkQuery(c *fiber.Ctx, next fiber.Handler) error {
	route := c.Route()
	lists := route.Path == "/v1/users" && route.Method != fiber.MethodPost
	if strings.HasPrefix(route.Path, "/v1/") && !lists {
		if err := refuseQuery(rawQuery(c)); err != nil {
			return err
		}
	}
	return next(c)
}

// refuseQuery refuses every parameter where none is known.
func refuseQuery(rawQuery string) error {
	values, err := parseQuery(rawQuery)
	if err != nil || len(values) == 0 {
		return err
	}
	var wrong []domain.FieldError
	for _, name := range slices.Sorted(maps.Keys(values)) {
		wrong = append(wrong, domain.FieldError{Pointer: parameterPointer(name), Detail: unknownParameter})
	}
	return &domain.InvalidError{Fields: wrong}
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
