package http

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/userfarm/userfarm/adapters/http/internal/api"
	"github.com/userfarm/userfarm/adapters/http/internal/entrance"
	"github.com/userfarm/userfarm/adapters/http/problem"
	"github.com/userfarm/userfarm/ports"
)

const (
	pollInterval      = 500 * time.Millisecond // between two queries of the farm while it has no new events
	heartbeatInterval = 15 * time.Second       // after which a stream without events sends a heartbeat

	heartbeat = ": still here\n\n"

	// streamStart shows clients at once that the stream has begun. It tells them to reconnect a second after it broke off.
	streamStart = "retry: 1000\n\n"
)

// eventStream sends the events of the farm as server-sent events. It asks the farm for more after its client has read what
// is pending. While the store is unavailable it continues without events. It ends when the server shuts down or its client
// is not authorized anymore, even within an event: clients drop an incomplete event, and ask for it again.
type eventStream struct {
	ask   func(ports.EventQuery) (ports.EventPage, error)
	query ports.EventQuery // for the next events
	done  <-chan struct{}  // is closed when the stream must end
	stop  func()
	log   *slog.Logger

	pending     bytes.Buffer
	sent        time.Time // of the last read
	more        bool      // the farm has more events already
	unavailable bool      // the store did not answer the last query
}

// openEventStream returns the stream that begins with first, the answer of the farm to query. It ends with ctx at the
// latest. The caller must close it, which calls stop.
func openEventStream(
	ctx context.Context, farm ports.History, query ports.EventQuery, first ports.EventPage, log *slog.Logger, stop func(),
) *eventStream {
	s := &eventStream{
		ask: func(q ports.EventQuery) (ports.EventPage, error) {
			ctx, cancel := context.WithTimeout(ctx, entrance.RequestTimeout)
			defer cancel()
			return farm.Events(ctx, q)
		},
		query: query,
		done:  ctx.Done(),
		stop:  stop,
		log:   log,
		sent:  time.Now(),
	}
	s.pending.WriteString(streamStart)
	if query.After > 0 {
		// A client that loses the stream before its first event then knows how to resume.
		s.pending.WriteString("id: " + formatEventID(query.After) + "\n\n")
	}
	s.take(first)
	return s
}

// Read implements [io.Reader].
func (s *eventStream) Read(p []byte) (int, error) {
	for s.pending.Len() == 0 && !s.ended() {
		if err := problem.Catch(s.advance); err != nil {
			s.log.Error("the stream of events broke off", "error", err)
			return 0, err
		}
	}
	if s.ended() {
		return 0, io.EOF
	}
	s.sent = time.Now()
	return s.pending.Read(p)
}

// Close implements [io.Closer].
func (s *eventStream) Close() error {
	s.stop()
	return nil
}

func (s *eventStream) ended() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

// advance asks the farm for more events after a pause, and appends them or a heartbeat that is due.
func (s *eventStream) advance() error {
	if !s.more && !s.pause(pollInterval) {
		return nil
	}
	switch page, err := s.ask(s.query); {
	case err == nil:
		s.unavailable = false
		s.take(page)
	case s.ended():
		return nil
	case problem.KindOf(err).Code == api.CodeStoreUnavailable:
		if !s.unavailable {
			s.log.Warn("a stream of events waits for the store", "error", err)
		}
		s.unavailable, s.more = true, false
	default:
		return err
	}
	if s.pending.Len() == 0 && time.Since(s.sent) >= heartbeatInterval {
		s.pending.WriteString(heartbeat)
	}
	return nil
}

// pause waits for d, and reports whether it passed. It returns early if the stream must end.
func (s *eventStream) pause(d time.Duration) (passed bool) {
	select {
	case <-s.done:
		return false
	case <-time.After(d):
		return true
	}
}

// take appends the events of a page. The next query begins after the last of them, or after later ones that do not match.
func (s *eventStream) take(page ports.EventPage) {
	s.more = page.Next > 0
	for _, e := range page.Events {
		s.query.After = e.ID
		data, _ := json.Marshal(viewEvent(e), jsonOptions) // never fails: it has numbers and texts only
		s.pending.WriteString("id: " + formatEventID(e.ID) + "\nevent: " + string(e.Kind) + "\ndata: ")
		s.pending.Write(data)
		s.pending.WriteString("\n\n")
	}
	if s.more {
		s.query.After = page.Next
	}
}
