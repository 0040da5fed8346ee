package http

import (
	"log/slog"

	"github.com/gofiber/fiber/v2"

	"github.com/userfarm/userfarm/ports"
)

// eventRoutes tells what happened.
type eventRoutes struct {
	history ports.History
	closing closing
	log     *slog.Logger
}

// ListEvents serves GET /v1/events.
func (r eventRoutes) ListEvents(c *fiber.Ctx) error {
	query, err := parseEventFilter(rawQuery(c))
	if err != nil {
		return err
	}
	page, err := r.history.Events(c.UserContext(), query)
	if err != nil {
		return err
	}
	return c.JSON(viewEventPage(page))
}

// StreamEvents serves GET /v1/events/stream.
func (r eventRoutes) StreamEvents(c *fiber.Ctx) error {
	query, err := readStreamQuery(c)
	if err != nil {
		return err
	}
	if r.closing.hasBegun() {
		return errShuttingDown
	}
	if query.After == 0 && query.Since.IsZero() {
		query.After, err = newestEvent(c.UserContext(), r.history)
		if err != nil {
			return err
		}
	}
	first, err := r.history.Events(c.UserContext(), query)
	if err != nil {
		return err
	}
	forbidStorage(c)
	c.Set(fiber.HeaderContentType, "text/event-stream")
	c.Set("X-Accel-Buffering", "no")
	if c.Method() == fiber.MethodHead {
		return nil
	}
	return c.SendStream(r.openStream(c, query, first))
}
