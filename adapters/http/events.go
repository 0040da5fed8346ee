package http

import (
	"context"
	"log/slog"
	"maps"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/userfarm/userfarm/adapters/http/internal/api"
	"github.com/userfarm/userfarm/adapters/http/internal/entrance"
	"github.com/userfarm/userfarm/adapters/http/internal/read"
	"github.com/userfarm/userfarm/adapters/http/problem"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

const (
	eventIDRule = "must be the event_id of the last event seen"
	timeRule    = "must be a time like 2026-11-23T09:30:00Z, as RFC 3339 writes it"
)

// eventRoutes show the history.
type eventRoutes struct {
	shutdown context.Context // of the server
	long     *entrance.LongRequests
	log      *slog.Logger
}

// ListEvents serves GET /v1/events.
func (eventRoutes) ListEvents(c *fiber.Ctx) error {
	query := ports.EventQuery{Limit: read.DefaultLimit}
	if err := eventPageParameters.Read(read.RawQuery(c), &query); err != nil {
		return err
	}
	page, err := entrance.Of(c).Farm.Events(c.UserContext(), query)
	if err != nil {
		return err
	}
	view := api.EventPage{Events: make([]api.Event, len(page.Events))}
	for i, e := range page.Events {
		view.Events[i] = viewEvent(e)
	}
	if page.Next > 0 {
		next := formatEventID(page.Next)
		view.NextCursor = &next
	}
	return c.JSON(view)
}

// StreamEvents serves GET /v1/events/stream.
func (r eventRoutes) StreamEvents(c *fiber.Ctx) error {
	query := ports.EventQuery{Limit: read.DefaultLimit}
	errQuery := eventParameters.Read(read.RawQuery(c), &query)
	after, errHeader := read.Header(c, "Last-Event-ID", func(text string) (ports.EventID, error) {
		id, ok := parseEventID(text)
		if !ok {
			return 0, domain.Invalid("/Last-Event-ID", eventIDRule)
		}
		return id, nil
	})
	if err := read.Join(errQuery, errHeader); err != nil {
		return err
	}
	if after > 0 {
		query.After, query.Since = after, time.Time{}
	}
	if r.shutdown.Err() != nil {
		return problem.ErrShuttingDown
	}
	farm := entrance.Of(c).Farm
	if query.After == 0 && query.Since.IsZero() {
		var err error
		if query.After, err = newestEvent(c.UserContext(), farm); err != nil {
			return err
		}
	}
	first, err := farm.Events(c.UserContext(), query)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, "text/event-stream")
	c.Set("X-Accel-Buffering", "no")
	if c.Method() == fiber.MethodHead {
		return nil
	}
	ctx, stop, err := r.long.BeginUntilShutdown(c)
	if err != nil {
		return err
	}
	return c.SendStream(openEventStream(ctx, farm, query, first, r.log, stop))
}

// eventParameters are the query of GET /v1/events/stream.
var eventParameters = read.Parameters[ports.EventQuery]{
	"user_id":    read.IDParameter(func(q *ports.EventQuery) *domain.UserID { return &q.UserID }),
	"kind":       readKinds,
	"login":      read.TextParameter(func(q *ports.EventQuery) *string { return &q.Login }),
	"project_id": read.IDParameter(func(q *ports.EventQuery) *domain.ProjectID { return &q.ProjectID }),
	"env":        read.TextParameter(func(q *ports.EventQuery) *string { return &q.Env }),
	"domain":     read.TextParameter(func(q *ports.EventQuery) *string { return &q.Domain }),
	"owner":      read.TextParameter(func(q *ports.EventQuery) *string { return &q.Owner }),
	"since":      read.Parsed(func(q *ports.EventQuery) *time.Time { return &q.Since }, parseTime, timeRule),
}

// eventPageParameters are the query of GET /v1/events.
var eventPageParameters = func() read.Parameters[ports.EventQuery] {
	all := maps.Clone(eventParameters)
	all["order"] = read.OrderParameter(func(q *ports.EventQuery) *bool { return &q.NewestFirst })
	all["limit"] = read.LimitParameter(func(q *ports.EventQuery) *int { return &q.Limit })
	all["cursor"] = read.Parsed(func(q *ports.EventQuery) *ports.EventID { return &q.After }, parseEventID, eventIDRule)
	return all
}()

// readKinds is the parameter kind, which may be repeated.
func readKinds(q *ports.EventQuery, values []string) string {
	q.Kinds = make([]domain.EventKind, len(values))
	for i, kind := range values {
		if !api.EventKind(kind).Valid() {
			return "must be a kind of event, such as acquired or changed"
		}
		q.Kinds[i] = domain.EventKind(kind)
	}
	return ""
}

// parseTime parses a time. Its year in UTC is from 1 to 9999, which every database can store.
func parseTime(text string) (time.Time, bool) {
	parsed, err := time.Parse(time.RFC3339, text)
	parsed = parsed.UTC()
	return parsed, err == nil && parsed.Year() >= 1 && parsed.Year() <= 9999
}

// formatEventID returns an event id as text, because JSON readers may round large numbers.
func formatEventID(id ports.EventID) string { return strconv.FormatInt(int64(id), 10) }

// parseEventID parses a result of formatEventID, and rejects other texts with the same number.
func parseEventID(text string) (ports.EventID, bool) {
	parsed, err := strconv.ParseInt(text, 10, 64)
	id := ports.EventID(parsed)
	return id, err == nil && id > 0 && formatEventID(id) == text
}

// newestEvent returns the id of the newest event; 0 if there is none. It does not search by time, because a wrong clock would start
// a stream too early or too late.
func newestEvent(ctx context.Context, history ports.History) (ports.EventID, error) {
	page, err := history.Events(ctx, ports.EventQuery{NewestFirst: true, Limit: 1})
	if err != nil || len(page.Events) == 0 {
		return 0, err
	}
	return page.Events[0].ID, nil
}

// viewEvent returns an event without secrets.
func viewEvent(e ports.RecordedEvent) api.Event {
	view := api.Event{
		EventID: formatEventID(e.ID),
		At:      e.At.UTC(),
		Kind:    api.EventKind(e.Kind),
		Login:   e.Login,
		Env:     e.Pool.Env,
		Domain:  e.Pool.Domain,
		Owner:   e.Owner,
		Note:    e.Note,
		Fence:   e.Fence,
		Reason:  e.Reason,
		Changed: viewChanged(e.Changed),
		Name:    e.Name,

		WaitedSeconds: e.Waited.Round(time.Millisecond).Seconds(),
		HeldSeconds:   e.Held.Round(time.Millisecond).Seconds(),
		Want:          viewWant(e.Want),
	}
	if !e.UserID.IsZero() {
		view.UserID = new(e.UserID.String())
	}
	if project := e.Pool.ProjectID; !project.IsZero() {
		view.ProjectID = new(project.String())
	}
	if !e.Key.IsZero() {
		view.Key = &api.EventKey{KeyID: e.Key.String(), Name: e.KeyName}
	}
	if !e.About.IsZero() {
		view.AboutKeyID = new(e.About.String())
	}
	return view
}

// viewChanged returns the names of fields that changed.
func viewChanged(fields domain.ChangedFields) []api.ChangedField {
	names := fields.Names()
	view := make([]api.ChangedField, len(names))
	for i, name := range names {
		view[i] = api.ChangedField(name)
	}
	return view
}
