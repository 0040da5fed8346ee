package http

import (
	"maps"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

const eventIDRule = "must be the event_id of the last event seen"

// parseEventFilter reads the query of GET /v1/events.
func parseEventFilter(rawQuery string) (ports.EventQuery, error) {
	return readEventQuery(eventPageFilters, rawQuery)
}

// readStreamQuery reads the query and the headers of GET /v1/events/stream.
func readStreamQuery(c *fiber.Ctx) (ports.EventQuery, error) {
	q, errQuery := readEventQuery(eventFilters, rawQuery(c))
	after, errHeader := readLastEventID(c)
	if err := join(errQuery, errHeader); err != nil {
		return ports.EventQuery{}, err
	}
	if after > 0 {
		q.After, q.Since = after, time.Time{}
	}
	return q, nil
}

func readEventQuery(known parameters[ports.EventQuery], rawQuery string) (ports.EventQuery, error) {
	q := ports.EventQuery{Limit: defaultLimit}
	if err := known.read(rawQuery, &q); err != nil {
		return ports.EventQuery{}, err
	}
	return q, nil
}

// readLastEventID reads the header with which a reader resumes a stream; 0 without it.
func readLastEventID(c *fiber.Ctx) (ports.EventID, error) {
	const header = "Last-Event-ID"
	text, given, err := readHeader(c, header)
	if err != nil || !given {
		return 0, err
	}
	id, ok := parseEventID(text)
	if !ok {
		return 0, domain.Invalid("/"+header, eventIDRule)
	}
	return id, nil
}

// eventFilters are the parameters that say which events are wanted.
var eventFilters = parameters[ports.EventQuery]{
	"user_id": once(func(q *ports.EventQuery, value string) string {
		return filterParsed(&q.UserID, value, parseID, idRule)
	}),
	"owner": once(func(q *ports.EventQuery, value string) string { return filterText(&q.Owner, value) }),
	"since": once(func(q *ports.EventQuery, value string) string {
		return filterParsed(&q.Since, value, parseTime, "must be a time like 2026-11-23T09:30:00Z, as RFC 3339 writes it")
	}),
}

// eventPageFilters are those of a page.
var eventPageFilters = func() parameters[ports.EventQuery] {
	all := maps.Clone(eventFilters)
	all["limit"] = once(func(q *ports.EventQuery, value string) string {
		return filterParsed(&q.Limit, value, parseLimit, limitRule)
	})
	all["cursor"] = once(func(q *ports.EventQuery, value string) string {
		return filterParsed(&q.After, value, parseEventID, eventIDRule)
	})
	return all
}()

// parseTime reads a time of the years that every database knows.
func parseTime(text string) (time.Time, bool) {
	parsed, err := time.Parse(time.RFC3339, text)
	parsed = parsed.UTC()
	return parsed, err == nil && parsed.Year() >= 1 && parsed.Year() <= 9999
}

// formatEventID returns the id of an event as a text, because JSON readers take large numbers for inexact ones.
func formatEventID(id ports.EventID) string { return strconv.FormatInt(int64(id), 10) }

// parseEventID reads what formatEventID returned, and nothing that merely counts the same.
func parseEventID(text string) (ports.EventID, bool) {
	parsed, err := strconv.ParseInt(text, 10, 64)
	id := ports.EventID(parsed)
	return id, err == nil && id > 0 && formatEventID(id) == text
}
