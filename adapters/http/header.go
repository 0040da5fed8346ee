package http

import (
	"github.com/gofiber/fiber/v2"

	"github.com/userfarm/userfarm/domain"
)

// readHeader reads a header that may be given once. An empty one is given.
func readHeader(c *fiber.Ctx, name string) (value string, given bool, err error) {
	switch values := c.Request().Header.PeekAll(name); len(values) {
	case 0:
		return "", false, nil
	case 1:
		return string(values[0]), true, nil
	default:
		return "", true, domain.Invalid("/"+name, givenTwice)
	}
}
