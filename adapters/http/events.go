package http

import (
	"context"
	"log/slog"

	"github.com/gofiber/fiber/v2"
)

// eventRoutes tells what happened.
type eventRoutes struct {
	closing closing
	long    *longRequests
	log     *slog.Logger
}

// ListEvents serves GET /v1/events.
func (eventRoutes) ListEvents(c *fiber.Ctx) error {
	query, err := parseEventFilter(rawQuery(c))
	if err != nil {
		return err
	}
	page, err := farmOf(c).Events(c.UserContext(), query)
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
		query.After, err = newestEvent(c.UserContext(), farmOf(c))
		if err != nil {
			return err
		}
	}
	first, err := farmOf(c).Events(c.UserContext(), query)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, "text/event-stream")
	c.Set("X-Accel-Buffering", "no")
	if c.Method() == fiber.MethodHead {
		return nil
	}
	in, done, err := r.long.begin(admissionOf(c))
	if err != nil {
		return err
	}
	// The stream outlives the handler, and with it the handler's deadline. Each question has one of its own.
	ctx, stop := endingWith(context.WithoutCancel(c.UserContext()), r.closing.begun, in)
	return c.SendStream(openStream(ctx, farmOf(c), query, first, r.log, func() { stop(); done() }))
}
