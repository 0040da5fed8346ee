package http

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"regexp"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/adaptor"
	"github.com/swaggest/swgui"
	"github.com/swaggest/swgui/v5emb"

	"github.com/userfarm/userfarm/adapters/http/problem"
)

//go:embed openapi.yaml
var openapi []byte

// swaggerUI serves Swagger UI from memory. The URLs of its page are relative, so it works behind any host.
var swaggerUI = adaptor.HTTPHandler(v5emb.NewHandlerWithConfig(swgui.Config{
	Title:            "userfarm",
	BasePath:         "docs",
	InternalBasePath: "/docs",
	SettingsUI: map[string]string{
		"url":                      `"openapi.yaml"`,
		"defaultModelsExpandDepth": "0",
		"showExtensions":           "false",
	},
}))

// docsRoutes serve the contract, for programs and for people.
type docsRoutes struct{}

// OpenAPI serves GET /openapi.yaml.
func (docsRoutes) OpenAPI(c *fiber.Ctx) error {
	c.Set(fiber.HeaderContentType, "application/yaml")
	return c.Send(openapi)
}

// Root serves GET /. It leads to the page for people. The address is relative, so that it works behind a path prefix.
func (docsRoutes) Root(c *fiber.Ctx) error {
	return c.Redirect("ui/overview", fiber.StatusFound)
}

// Docs serves GET /docs.
func (docsRoutes) Docs(c *fiber.Ctx) error {
	if err := swaggerUI(c); err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, fiber.MIMETextHTMLCharsetUTF8)
	c.Set(fiber.HeaderContentSecurityPolicy, docsPolicy(c.Response().Body()))
	return nil
}

// DocsFile serves GET /docs/{file}.
func (docsRoutes) DocsFile(c *fiber.Ctx, _ string) error {
	// Each answer is the whole file, or a problem.
	c.Request().Header.Del(fiber.HeaderIfNoneMatch)
	c.Request().Header.Del(fiber.HeaderRange)
	if err := swaggerUI(c); err != nil {
		return err
	}
	if c.Response().StatusCode() != fiber.StatusOK {
		return problem.ErrNotFound
	}
	return nil
}

// inlineCode finds the scripts and styles within a page.
var inlineCode = regexp.MustCompile(`(?s)<(script|style)>(.*?)</`)

// docsPolicy returns the content security policy of a page of Swagger UI. A browser runs the scripts and styles of the page,
// which it knows by their hashes, and those of this server. It sends requests only to this server.
func docsPolicy(page []byte) string {
	sources := map[string]string{"script": "", "style": ""}
	for _, code := range inlineCode.FindAllSubmatch(page, -1) {
		hash := sha256.Sum256(code[2])
		sources[string(code[1])] += " 'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) + "'"
	}
	return "default-src 'none'; script-src 'self'" + sources["script"] + "; style-src 'self'" + sources["style"] +
		"; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}
