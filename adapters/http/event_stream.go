package http

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/userfarm/userfarm/ports"
)

const (
	pollInterval      = 500 * time.Millisecond // between questions to the farm that had nothing new to tell
	heartbeatInterval = 15 * time.Second       // after which a stream without events tells that it is still there

	heartbeat = ": still here\n\n"

	// streamStart comes first, so that a client learns at once that the stream has begun. It asks clients to come back a
	// second after the stream broke.
	streamStart = "retry: 1000\n\n"
)

// eventStream is what happens in the farm, as server-sent events. It asks the farm for more when its reader has read
// what it got. While the store is away it goes on, without events; it ends when the server shuts down, wherever it is, and when
// its reader may not enter the farm anymore: who reads it drops an event that is not complete, and will ask for it again.
type eventStream struct {
	ask   func(ports.EventQuery) (ports.EventPage, error)
	query ports.EventQuery // for what comes next
	done  <-chan struct{}  // is closed when the stream is to end
	stop  func()
	log   *slog.Logger

	pending bytes.Buffer
	sent    time.Time // when something was last read
	more    bool      // the farm has more to tell already
	away    bool      // the store did not answer the last time
}

// openStream returns the stream that begins with a page, which the farm answered to query, and ends with ctx at the latest.
// It must be closed, which calls stop.
func openStream(
	ctx context.Context, farm ports.History, query ports.EventQuery, first ports.EventPage, log *slog.Logger, stop func(),
) *eventStream {
	s := &eventStream{
		ask: func(q ports.EventQuery) (ports.EventPage, error) {
			ctx, cancel := context.WithTimeout(ctx, requestTimeout)
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
		// Whoever loses the stream before its first event then knows what to ask for.
		s.pending.WriteString("id: " + formatEventID(query.After) + "\n\n")
	}
	s.take(first)
	return s
}

// Read implements [io.Reader].
func (s *eventStream) Read(p []byte) (int, error) {
	for s.pending.Len() == 0 && !s.ended() {
		if err := recovered(s.advance); err != nil {
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

// advance asks the farm for more, once it is time to, and appends what that tells; or that the stream is still there.
func (s *eventStream) advance() error {
	if !s.more && !s.pause(pollInterval) {
		return nil
	}
	switch page, err := s.ask(s.query); {
	case err == nil:
		s.away = false
		s.take(page)
	case s.ended():
		return nil
	case kindOf(err).Code == CodeStoreUnavailable:
		s.miss(err)
	default:
		return err
	}
	if s.pending.Len() == 0 && time.Since(s.sent) >= heartbeatInterval {
		s.pending.WriteString(heartbeat)
	}
	return nil
}

// pause returns after a time, or at once if the stream is to end: it reports which.
func (s *eventStream) pause(d time.Duration) (passed bool) {
	select {
	case <-s.done:
		return false
	case <-time.After(d):
		return true
	}
}

// take appends the events of a page, and goes on after the last of them.
func (s *eventStream) take(page ports.EventPage) {
	s.more = page.More
	for _, e := range page.Events {
		s.query.After = e.ID
		data, _ := json.Marshal(viewEvent(e), jsonOptions) // never fails: it is numbers and text
		s.pending.WriteString("id: " + formatEventID(e.ID) + "\nevent: " + string(e.Kind) + "\ndata: ")
		s.pending.Write(data)
		s.pending.WriteString("\n\n")
	}
}

// miss notes that the store does not answer, and logs it unless it did not before.
func (s *eventStream) miss(err error) {
	if !s.away {
		s.log.Warn("a stream of events waits for the store", "error", err)
	}
	s.away, s.more = true, false
}
