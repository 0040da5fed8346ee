package http

import "github.com/gofiber/fiber/v2"

// answerHeader is what the header of every answer says.
type answerHeader struct{ tls bool }

// use is the handler that comes before all others.
func (h answerHeader) use(c *fiber.Ctx) error {
	h.set(c)
	return c.Next()
}

// set prepares an answer.
func (h answerHeader) set(c *fiber.Ctx) {
	// An answer is nothing for a browser to make anything of, nor for pages of other sites to embed.
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	c.Set(fiber.HeaderReferrerPolicy, "no-referrer")
	c.Set(fiber.HeaderContentSecurityPolicy, "default-src 'none'; frame-ancestors 'none'")
	c.Set("Cross-Origin-Resource-Policy", "same-origin")
	// Most answers have secrets, or are of the moment.
	c.Set(fiber.HeaderCacheControl, "no-store")
	if h.tls {
		c.Set(fiber.HeaderStrictTransportSecurity, "max-age=31536000") // a year
	}
	c.Set(fiber.HeaderXRequestID, requestID(c))
}
