package http

import (
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"

	"github.com/userfarm/userfarm/domain"
)

const maxRequestID = 64 // bytes

// fixedHeader has the fields that are the same in every answer, in canonical form: so they are not brought into it each time.
var fixedHeader = []struct{ name, value []byte }{
	// Browsers must not interpret an answer, and pages of other sites must not embed it.
	{[]byte(fiber.HeaderXContentTypeOptions), []byte("nosniff")},
	{[]byte(fiber.HeaderReferrerPolicy), []byte("no-referrer")},
	{[]byte(fiber.HeaderContentSecurityPolicy), []byte("default-src 'none'; frame-ancestors 'none'")},
	{[]byte("Cross-Origin-Resource-Policy"), []byte("same-origin")},
	// Most answers have secrets, or are soon out of date.
	{[]byte(fiber.HeaderCacheControl), []byte("no-store")},
}

// setHeader returns the handler that writes the header of every answer.
func setHeader(tls bool) fiber.Handler {
	return func(c *fiber.Ctx) error {
		writeHeader(c, tls)
		return c.Next()
	}
}

// writeHeader writes the header that every answer has.
func writeHeader(c *fiber.Ctx, tls bool) {
	for _, field := range fixedHeader {
		c.Response().Header.SetCanonical(field.name, field.value)
	}
	if tls {
		c.Set(fiber.HeaderStrictTransportSecurity, "max-age=31536000") // a year
	}
	id := uuid.NewString()
	if given := c.Request().Header.PeekAll(fiber.HeaderXRequestID); len(given) == 1 && isRequestID(string(given[0])) {
		id = string(given[0])
	}
	c.Set(fiber.HeaderXRequestID, id)
}

// requestIDOf returns the request id of an answer.
func requestIDOf(c *fiber.Ctx) string { return c.GetRespHeader(fiber.HeaderXRequestID) }

// isRequestID reports whether the id of a client may be logged. A text that looks like an API key may not.
func isRequestID(text string) bool {
	return text != "" && len(text) <= maxRequestID && !strings.Contains(text, domain.TokenPrefix) &&
		!strings.ContainsFunc(text, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._-", r)
		})
}
