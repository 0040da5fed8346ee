package read

import (
	"github.com/gofiber/fiber/v2"

	"github.com/userfarm/userfarm/domain"
)

// Header reads and parses a header that may be given once. Without the header, the value is zero.
func Header[T any](c *fiber.Ctx, name string, parse func(text string) (T, error)) (value T, err error) {
	switch values := c.Request().Header.PeekAll(name); len(values) {
	case 0:
		return value, nil
	case 1:
		return parse(string(values[0]))
	default:
		return value, domain.Invalid("/"+name, givenTwice)
	}
}
