package http

import "github.com/gofiber/fiber/v2"

// docsRoutes describe the API.
type docsRoutes struct{}

// OpenAPI serves GET /openapi.yaml.
func (docsRoutes) OpenAPI(c *fiber.Ctx) error {
	c.Set(fiber.HeaderContentType, "application/yaml")
	return c.Send(openapi)
}

// Docs serves GET /docs.
func (docsRoutes) Docs(c *fiber.Ctx) error {
	c.Set(fiber.HeaderContentType, fiber.MIMETextHTMLCharsetUTF8)
	// The page needs nothing but its own styles, so a browser need allow nothing else.
	c.Set(fiber.HeaderContentSecurityPolicy, "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	return c.Send(docsPage)
}
