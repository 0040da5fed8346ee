package dashboard

import (
	"bytes"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/userfarm/userfarm/adapters/http/internal/entrance"
	"github.com/userfarm/userfarm/adapters/http/internal/read"
)

// heartbeatInterval is after how long a stream shows that it is alive.
const heartbeatInterval = 15 * time.Second

// liveQuery returns the query of the stream of a page that shows a rendering.
func liveQuery(kind *viewKind, f filter, shown string) string {
	values := make(map[string][]string, len(f.values)+2)
	for name, texts := range f.values {
		values[name] = texts
	}
	values["view"], values["shown"] = []string{kind.Name}, []string{shown}
	return url.Values(values).Encode()
}

// live serves GET /ui/live: the rendering of a view whenever it changes, as server-sent events. The event fresh says until when the page is
// up to date, and the event away why it is not.
func (d *Dashboard) live(c *fiber.Ctx) error {
	values, err := read.Query(read.RawQuery(c))
	if err != nil {
		return err
	}
	kind, err := viewNamed(values.Get("view"))
	if err != nil {
		return err
	}
	shown := values.Get("shown")
	if last := c.Get("Last-Event-ID"); last != "" {
		shown = last
	}
	values.Del("view")
	values.Del("shown")
	f, err := readFilter(values.Encode(), kind.fields)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, "text/event-stream")
	c.Set("X-Accel-Buffering", "no")
	if c.Method() == fiber.MethodHead {
		return nil
	}
	ctx, stop, err := d.long.BeginUntilShutdown(c)
	if err != nil {
		return err
	}
	admission := entrance.Of(c)
	v, w, leave := d.feed.watch(keyOf(kind, admission.Caller, f), f, admission.Farm)
	return c.SendStream(&stream{feed: d.feed, view: v, watcher: w, done: ctx.Done(), shown: shown, end: func() {
		leave()
		stop()
	}})
}

// stream is the body of an answer: the events of a view.
type stream struct {
	feed    *feed
	view    *view
	watcher *watcher
	done    <-chan struct{} // is closed when the caller is not authorized anymore, or the server shuts down
	end     func()
	shown   string // the id of the rendering that the page has
	started bool
	pending bytes.Buffer
}

// Read implements [io.Reader].
func (s *stream) Read(p []byte) (int, error) {
	if !s.started {
		s.started = true
		s.pending.WriteString("retry: 1000\n\n")
	}
	for s.pending.Len() == 0 {
		select {
		case <-s.done:
			return 0, io.EOF
		case <-s.watcher.wake:
			s.tell()
		case <-time.After(heartbeatInterval):
			s.pending.WriteString(": still here\n\n")
		}
	}
	return s.pending.Read(p)
}

// Close implements [io.Closer].
func (s *stream) Close() error {
	s.end()
	return nil
}

// tell appends what is new in the view.
func (s *stream) tell() {
	latest, at, away := s.feed.look(s.view)
	if away != "" {
		s.pending.WriteString("event: away\ndata: " + strings.ReplaceAll(away, "\n", " ") + "\n\n")
		return
	}
	if at.IsZero() {
		return
	}
	if latest.id != s.shown {
		s.shown = latest.id
		s.pending.WriteString("id: " + latest.id + "\n")
		for line := range bytes.Lines(latest.html) {
			s.pending.WriteString("data: ")
			s.pending.Write(bytes.TrimRight(line, "\n"))
			s.pending.WriteByte('\n')
		}
		s.pending.WriteByte('\n')
	}
	s.pending.WriteString("event: fresh\ndata: " + at.UTC().Format(time.RFC3339Nano) + "\n\n")
}
