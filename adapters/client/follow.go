package client

import (
	"context"
	"iter"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/tmaxmax/go-sse"

	"github.com/userfarm/userfarm/adapters/client/internal/api"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

const (
	// reconnectPause is what the farm asks for at the start of each stream.
	reconnectPause = time.Second

	// maxEvent is more than the texts of any event have.
	maxEvent = 1 << 20
)

// Follow yields the events that q matches, as they happen, until ctx ends. It begins after the event q.After, or else with the first
// event since q.Since, or else with new events. Limit does not matter, and NewestFirst is a [domain.InvalidError].
//
// When the connection breaks off or the farm restarts, Follow connects again, and goes on after the last event that it has yielded:
// it misses no event and yields none twice. It gives up like a call does, see [WithRetryFor]. The error comes last, and alone. A
// caller that goes on later begins after the last event that it got.
func (c *Client) Follow(ctx context.Context, q ports.EventQuery) iter.Seq2[ports.RecordedEvent, error] {
	of := call{operation: "follow events", stream: true}
	return func(yield func(ports.RecordedEvent, error) bool) {
		if q.NewestFirst {
			yield(ports.RecordedEvent{}, &Error{Operation: of.operation, Reason: domain.Invalid("/order", "must be asc for a stream")})
			return
		}
		for {
			got, err := c.do(ctx, of, func(ctx context.Context) (*http.Response, error) {
				return c.api.StreamEvents(ctx, streamParams(q))
			})
			if err != nil {
				yield(ports.RecordedEvent{}, err)
				return
			}
			for e, err := range events(got.stream, of) {
				if e.ID > 0 {
					q.After = e.ID
				}
				if (e.Kind != "" || err != nil) && !yield(e, err) || err != nil {
					return
				}
			}
			if !sleep(ctx, reconnectPause) {
				yield(ports.RecordedEvent{}, &endedError{operation: of.operation, ended: ctx.Err()})
				return
			}
		}
	}
}

func streamParams(q ports.EventQuery) *api.StreamEventsParams {
	return &api.StreamEventsParams{
		UserID: givenID(q.UserID), Kind: kindFilter(q.Kinds), Login: given(q.Login), ProjectID: givenID(q.ProjectID), Env: given(q.Env),
		Domain: given(q.Domain), Owner: given(q.Owner), Since: sinceFilter(q.Since), LastEventID: eventCursor(q.After),
	}
}

// events yields the events of a stream until it breaks off, and closes it. An event that has nothing but its id says after which
// event the stream goes on. An error says that the stream is not that of a farm.
func events(stream *stream, of call) iter.Seq2[ports.RecordedEvent, error] {
	return func(yield func(ports.RecordedEvent, error) bool) {
		defer func() { _ = stream.Close() }()
		for message, err := range sse.Read(stream, &sse.ReadConfig{MaxEventSize: maxEvent}) {
			if err != nil {
				return // the rest comes after a new connection
			}
			e, err := readEvent(message, of)
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

func readEvent(message sse.Event, of call) (ports.RecordedEvent, error) {
	var v views
	if message.Data == "" {
		return ports.RecordedEvent{ID: v.eventID(message.LastEventID)}, v.check(of)
	}
	var e api.Event
	if err := json.Unmarshal([]byte(message.Data), &e); err != nil {
		return ports.RecordedEvent{}, unreadable(of)
	}
	recorded := v.event(e)
	if err := v.check(of); err != nil {
		return ports.RecordedEvent{}, err
	}
	return recorded, nil
}
