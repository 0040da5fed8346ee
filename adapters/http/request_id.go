package http

import (
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"

	"github.com/userfarm/userfarm/domain"
)

const maxRequestID = 64 // bytes

// requestID returns the id that the sender gave a request, or a new one if that is none that fits a log.
func requestID(c *fiber.Ctx) string {
	if given := c.Request().Header.PeekAll(fiber.HeaderXRequestID); len(given) == 1 && isRequestID(string(given[0])) {
		return string(given[0])
	}
	return uuid.NewString()
}

// answeredRequestID returns the id that the answer to a request has.
func answeredRequestID(c *fiber.Ctx) string { return c.GetRespHeader(fiber.HeaderXRequestID) }

// isRequestID refuses also what looks like an API key in the wrong header: ids are logged.
func isRequestID(text string) bool {
	return text != "" && len(text) <= maxRequestID && !strings.ContainsFunc(text, isNotOfRequestID) &&
		!strings.Contains(text, domain.TokenPrefix)
}

func isNotOfRequestID(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._-", r)
}
