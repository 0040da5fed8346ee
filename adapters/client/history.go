package client

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/userfarm/userfarm/adapters/client/internal/api"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// Events implements [ports.History]. The farm lists events of the scope of the API key, and at most 1,000 on a page, whatever q says.
func (c *Client) Events(ctx context.Context, q ports.EventQuery) (ports.EventPage, error) {
	of := call{operation: "list events"}
	params := api.ListEventsParams{
		UserID: givenID(q.UserID), Kind: kindFilter(q.Kinds), Login: given(q.Login), ProjectID: givenID(q.ProjectID), Env: given(q.Env),
		Domain: given(q.Domain), Owner: given(q.Owner), Since: sinceFilter(q.Since), Limit: limitOf(q.Limit), Cursor: eventCursor(q.After),
	}
	if q.NewestFirst {
		params.Order = new(api.ListEventsParamsOrderDesc)
	}
	answered, err := ask[api.EventPage](ctx, c, of, func(ctx context.Context) (*http.Response, error) {
		return c.api.ListEvents(ctx, &params)
	})
	if err != nil {
		return ports.EventPage{}, err
	}
	var v views
	page := ports.EventPage{Events: make([]ports.RecordedEvent, len(answered.Events))}
	for i, e := range answered.Events {
		page.Events[i] = v.event(e)
	}
	if answered.NextCursor != nil {
		page.Next = v.eventID(*answered.NextCursor)
	}
	return page, v.check(of)
}

func kindFilter(kinds []domain.EventKind) []api.EventKind {
	var filter []api.EventKind // nil asks for all kinds
	for _, kind := range kinds {
		filter = append(filter, api.EventKind(kind))
	}
	return filter
}

func sinceFilter(since time.Time) *time.Time {
	if since.IsZero() {
		return nil
	}
	return new(since.UTC())
}

// eventCursor returns the cursor of the page after an event; nil for the first page.
func eventCursor(after ports.EventID) *string {
	if after < 1 {
		return nil
	}
	return new(strconv.FormatInt(int64(after), 10))
}

func (v *views) eventID(text string) ports.EventID {
	id, err := strconv.ParseInt(text, 10, 64)
	v.bad = v.bad || err != nil
	return ports.EventID(id)
}
