package http

import (
	"github.com/gofiber/fiber/v2"

	"github.com/userfarm/userfarm/domain"
)

// readIdempotencyKey reads the header Idempotency-Key. Without it, the key is zero.
func readIdempotencyKey(c *fiber.Ctx) (domain.IdempotencyKey, error) {
	const header = "Idempotency-Key"
	text, given, err := readHeader(c, header)
	if err != nil || !given {
		return domain.IdempotencyKey{}, err
	}
	return domain.NewIdempotencyKey(text)
}
