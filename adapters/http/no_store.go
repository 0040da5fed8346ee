package http

import "github.com/gofiber/fiber/v2"

// forbidStorage keeps caches from keeping an answer that has secrets.
func forbidStorage(c *fiber.Ctx) { c.Set(fiber.HeaderCacheControl, "no-store") }
