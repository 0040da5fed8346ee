package http_test

import (
	"bufio"
	"context"
	"io"
	"net"
	nethttp "net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/userfarm/userfarm/adapters/http"
	"github.com/userfarm/userfarm/adapters/http/internal/api"
	"github.com/userfarm/userfarm/adapters/http/internal/entrance"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// watch requests a stream of events, and returns its lines when it has begun.
func (c client) watch(query, lastEventID string) *bufio.Reader {
	c.t.Helper()
	req, err := nethttp.NewRequest("GET", c.url+"/v1/events/stream?"+query, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	if lastEventID != "" {
		req.Header.Set("Last-Event-ID", lastEventID)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	// Not the transport that reads to the end.
	resp, err := c.http.Transport.(contractTransport).next.RoundTrip(req)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = resp.Body.Close() })
	header := []string{resp.Header.Get("Content-Type"), resp.Header.Get("Cache-Control"), resp.Header.Get("X-Accel-Buffering")}
	if got := strings.Join(header, ", "); resp.StatusCode != 200 || got != "text/event-stream, no-store, no" {
		c.t.Fatalf("got status %d with %s", resp.StatusCode, got)
	}
	stream := bufio.NewReader(resp.Body)
	if got := nextBlock(c.t, stream); got != "retry: 1000" {
		c.t.Fatalf("the stream begins with %q", got)
	}
	return stream
}

// nextBlock returns the next part of a stream, up to an empty line.
func nextBlock(t testing.TB, stream *bufio.Reader) string {
	t.Helper()
	var block strings.Builder
	for {
		line, err := stream.ReadString('\n')
		if err != nil {
			t.Fatalf("%v after %q", err, block.String()+line)
		}
		if line == "\n" {
			if n := secrets.in(block.String()); n > 0 {
				t.Errorf("the stream contains %d secrets", n)
			}
			return strings.TrimSuffix(block.String(), "\n")
		}
		block.WriteString(line)
	}
}

// wantNext fails the test unless the next event of a stream is this one.
func wantNext(t *testing.T, stream *bufio.Reader, want api.Event) {
	t.Helper()
	text := "id: " + want.EventID + "\nevent: " + string(want.Kind) + "\ndata: " + encode(t, want)
	if got := nextBlock(t, stream); got != text {
		t.Errorf("got %s, want %s", got, text)
	}
}

func TestAStreamBeginsWithNewEvents(t *testing.T) {
	c := newClient(t)
	alice, _ := c.newUser("alice", nil)
	stream := c.watch("", "")
	before := c.events("/v1/events")
	if got, want := nextBlock(t, stream), "id: "+before[0].EventID; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	c.acquire(`{"users":[{}],"owner":"ci-1"}`)
	c.post("/v1/users/"+alice.UserID+"/quarantine", `{"reason":"<\"\\\u2028é>"}`).want(200)
	all := c.events("/v1/events")
	if len(all) != 3 {
		t.Fatalf("got %s", describeEvents(all))
	}
	wantNext(t, stream, all[1])
	wantNext(t, stream, all[2])
}

func TestAStreamOfAFarmWithoutHistorySendsTheFirstEvent(t *testing.T) {
	c := newClient(t)
	stream := c.watch("", "")
	c.newUser("alice", nil)
	wantNext(t, stream, c.events("/v1/events")[0])
}

func TestAStreamBeginsAfterAGivenEventOrTime(t *testing.T) {
	c := newClient(t)
	for _, login := range []string{"alice", "bob", "carol"} {
		c.newUser(login, nil)
	}
	all := c.events("/v1/events")
	since := c.watch("since=2026-01-01T00:00:00Z", "")
	for _, want := range all {
		wantNext(t, since, want)
	}
	for _, query := range []string{"", "since=2026-01-01T00:00:00Z"} {
		resumed := c.watch(query, all[1].EventID)
		if got := nextBlock(t, resumed); got != "id: "+all[1].EventID {
			t.Errorf("got %q", got)
		}
		wantNext(t, resumed, all[2])
	}
	// The header replaces the parameter.
	resumed := c.watch("since=9999-01-01T00:00:00Z", all[0].EventID)
	nextBlock(t, resumed)
	wantNext(t, resumed, all[1])
}

func TestAStreamIsFiltered(t *testing.T) {
	c := newClient(t)
	alice, _ := c.newUser("alice", nil)
	c.newUser("bob", nil)
	byUser := c.watch("since=2026-01-01T00:00:00Z&user_id="+alice.UserID, "")
	byOwner := c.watch("since=2026-01-01T00:00:00Z&owner=ci-2", "")
	c.acquire(`{"users":[{}],"owner":"ci-1"}`)
	c.acquire(`{"users":[{}],"owner":"ci-2"}`)
	all := c.events("/v1/events")
	wantNext(t, byUser, all[0])
	wantNext(t, byUser, all[2])
	wantNext(t, byOwner, all[3])
}

func TestAStreamIsFilteredByKindLoginAndPool(t *testing.T) {
	c := newClient(t)
	c.newUser("alice", nil)
	c.newUser("bob", nil)
	var streams []*bufio.Reader
	for _, query := range []string{
		"kind=acquired&login=BOB", "login=bob&kind=acquired&kind=released&project_id=" + projectID, "kind=acquired&env=staging&domain=shop.example.com&owner=ci-2",
	} {
		streams = append(streams, c.watch("since=2026-01-01T00:00:00Z&"+query, ""))
	}
	other := c.watch("since=2026-01-01T00:00:00Z&env=production", "")
	c.acquire(`{"users":[{}],"owner":"ci-1"}`)
	c.acquire(`{"users":[{}],"owner":"ci-2"}`)
	all := c.events("/v1/events")
	if all[3].Login != "bob" {
		t.Fatalf("got %s", describeEvents(all))
	}
	for _, stream := range streams {
		wantNext(t, stream, all[3])
	}
	if other.Buffered() > 0 {
		t.Error("a stream sends events of another pool")
	}
	for _, query := range []string{"order=asc", "order=desc"} {
		c.get("/v1/events/stream?"+query).want(422).wantProblem(api.CodeInvalid, "/order")
	}
}

// walkingFarm has one event, and examines fifty per page.
type walkingFarm struct{ historyFarm }

// Events implements [ports.History].
func (*walkingFarm) Events(_ context.Context, q ports.EventQuery) (ports.EventPage, error) {
	var page ports.EventPage
	const only, end = 5000, 10_000
	if q.NewestFirst || q.After >= end {
		return page, nil
	}
	page.Next = q.After + 50
	if q.After < only && only <= page.Next {
		page.Events = []ports.RecordedEvent{{ID: only, Event: domain.Event{Kind: domain.UserCreated}}}
	}
	return page, nil
}

func TestAStreamGoesOnAfterPagesWithoutEvents(t *testing.T) {
	farm := &walkingFarm{}
	inBubble(t, newFarmServer(farm, farm), func(t *testing.T, dial func() net.Conn) {
		start := time.Now()
		stream := overPipes(t, dial).watch("since=2026-01-01T00:00:00Z&env=rare", "")
		if got := nextBlock(t, stream); !strings.HasPrefix(got, "id: 5000\n") {
			t.Errorf("got %q, want the event", got)
		}
		if took := time.Since(start); took > 0 {
			t.Errorf("it took %v, as if every page waited", took)
		}
		if got := nextBlock(t, stream); got != ": still here" {
			t.Errorf("got %q, want a heartbeat", got)
		}
	})
}

func TestAStreamBeginsWithAllStoredEvents(t *testing.T) {
	farm := &historyFarm{}
	for range 350 {
		farm.addEvent()
	}
	inBubble(t, newFarmServer(farm, farm), func(t *testing.T, dial func() net.Conn) {
		stream := overPipes(t, dial).watch("since=2026-01-01T00:00:00Z", "")
		start := time.Now()
		for range 350 {
			nextBlock(t, stream)
		}
		if took := time.Since(start); took > 0 {
			t.Errorf("it took %v, as if every page waited", took)
		}
	})
}

func TestAnInvalidLastEventIDIsRejected(t *testing.T) {
	c := newClient(t)
	for _, id := range []string{"", "0", "-1", "x", "01", "9223372036854775808"} {
		header := nethttp.Header{"Last-Event-Id": {id}}
		c.sendWith(header, "GET", "/v1/events/stream", "").want(422).wantProblem(api.CodeInvalid, "/Last-Event-ID")
		c.sendWith(header, "GET", "/v1/events/stream?since=x", "").want(422).
			wantProblem(api.CodeInvalid, "/since", "/Last-Event-ID")
	}
	twice := nethttp.Header{"Last-Event-Id": {"1", "2"}}
	c.sendWith(twice, "GET", "/v1/events/stream", "").want(422).wantProblem(api.CodeInvalid, "/Last-Event-ID")
}

func TestAStreamEndsWhenTheServerShutsDown(t *testing.T) {
	server := newServer()
	c := serve(t, server)
	stream := c.watch("", "")
	start := time.Now()
	if err := server.Shutdown(context.Background()); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	if rest, err := io.ReadAll(stream); err != nil || len(rest) > 0 {
		t.Errorf("the stream ends with %q and the error %v", rest, err)
	}
	if took := time.Since(start); took > http.ArrivalTimeout {
		t.Errorf("the shutdown took %v", took)
	}
}

func TestAStreamEndsWithTheAuthorizationOfItsClient(t *testing.T) {
	const most = 2 * time.Second
	tests := map[string]func(t *testing.T, f guardedFarm) (token string, end func()){
		"because its API key was revoked": func(_ *testing.T, f guardedFarm) (string, func()) {
			id, token := f.keyWithID(domain.Viewer)
			return token, func() { f.revoke(id) }
		},
		"because its API key has expired": func(_ *testing.T, f guardedFarm) (string, func()) {
			return f.keyFor(domain.Viewer, http.HeartbeatInterval/2), func() { time.Sleep(http.HeartbeatInterval / 2) }
		},
		"because there is an API key": func(_ *testing.T, f guardedFarm) (string, func()) {
			return "", func() { f.key(domain.Admin) }
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			f, server := guardFarm()
			inBubble(t, server, func(t *testing.T, dial func() net.Conn) {
				f.client = overPipes(t, dial)
				token, end := test(t, f)
				stream := f.as(token).watch("", "")
				end()
				start := time.Now()
				rest, err := io.ReadAll(stream)
				// A client without a key may see the event of the key that ends its authorization.
				if err != nil || strings.Contains(string(rest), "event: ") && (token != "" || !strings.Contains(string(rest), "event: key_created\n")) {
					t.Errorf("the stream ends with %q and the error %v", rest, err)
				}
				if took := time.Since(start); took > most {
					t.Errorf("the stream ended after %v, want %v at most", took, most)
				}
			})
		})
	}
}

func TestAHeadOfAStreamDoesNotHang(t *testing.T) {
	c := newClient(t)
	c.newUser("alice", nil)
	conn, err := net.Dial("tcp", strings.TrimPrefix(c.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, "HEAD /v1/events/stream HTTP/1.1\r\nHost: x\r\n\r\nGET /ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	head, after, ok := strings.Cut(string(text), "\r\n\r\n")
	if !ok || !strings.HasPrefix(after, "HTTP/1.1 200 OK") {
		t.Errorf("the answer after that to HEAD begins with %.20q", after)
	}
	if !strings.Contains(head, "text/event-stream") {
		t.Errorf("got %s", head)
	}
}

// historyFarm is a farm whose events a test controls, and whose store can become unavailable.
type historyFarm struct {
	ports.Farm
	ports.Health

	mu     sync.Mutex
	events []ports.RecordedEvent
	broken brokenFarm // nil while the store is available
	asked  int
}

// addEvent adds an event.
func (f *historyFarm) addEvent() {
	f.mu.Lock()
	defer f.mu.Unlock()
	id := ports.EventID(len(f.events) + 1)
	f.events = append(f.events, ports.RecordedEvent{ID: id, Event: domain.Event{Kind: domain.UserCreated}})
}

// failWith makes the store fail with the error of broken. The store is available again if broken is nil.
func (f *historyFarm) failWith(broken brokenFarm) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.broken = broken
}

// Events implements [ports.History].
func (f *historyFarm) Events(ctx context.Context, q ports.EventQuery) (ports.EventPage, error) {
	f.mu.Lock()
	broken, events := f.broken, f.events
	f.asked++
	f.mu.Unlock()
	if broken != nil {
		return ports.EventPage{}, broken(ctx)
	}
	if q.NewestFirst {
		events = slices.Clone(events)
		slices.Reverse(events)
	} else {
		events = events[min(int(q.After), len(events)):]
	}
	page := ports.EventPage{Events: events[:min(q.Limit, len(events))]}
	if n := len(page.Events); n < len(events) {
		page.Next = page.Events[n-1].ID
	}
	return page, nil
}

// watchInBubble runs test in a synctest bubble, with a stream of the farm's events.
func watchInBubble(t *testing.T, farm *historyFarm, test func(t *testing.T, stream *bufio.Reader)) {
	t.Helper()
	inBubble(t, newFarmServer(farm, farm), func(t *testing.T, dial func() net.Conn) {
		conn := dial()
		defer func() { _ = conn.Close() }()
		stream := bufio.NewReader(getStream(t, conn, "/v1/events/stream"))
		nextBlock(t, stream)
		test(t, stream)
	})
}

func TestAStreamWithoutEventsSendsHeartbeats(t *testing.T) {
	watchInBubble(t, &historyFarm{}, func(t *testing.T, stream *bufio.Reader) {
		for range 10 {
			start := time.Now()
			if got := nextBlock(t, stream); got != ": still here" {
				t.Errorf("got %q", got)
			}
			if quiet := time.Since(start); quiet != http.HeartbeatInterval {
				t.Errorf("the stream was quiet for %v, want %v", quiet, http.HeartbeatInterval)
			}
		}
	})
}

func TestAStreamStaysOpenWhileTheStoreIsUnavailable(t *testing.T) {
	for name, broken := range map[string]brokenFarm{"refuses": failing(ports.ErrUnavailable), "hangs": hanging} {
		t.Run(name, func(t *testing.T) {
			farm := &historyFarm{}
			before := strings.Count(logged.String(), "a stream of events waits for the store")
			watchInBubble(t, farm, func(t *testing.T, stream *bufio.Reader) {
				farm.failWith(broken)
				for range 3 {
					start := time.Now()
					if got := nextBlock(t, stream); got != ": still here" {
						t.Errorf("got %q", got)
					}
					if quiet := time.Since(start); quiet > http.HeartbeatInterval+entrance.RequestTimeout {
						t.Errorf("the stream was quiet for %v", quiet)
					}
				}
				farm.addEvent()
				farm.failWith(nil)
				if got := nextBlock(t, stream); !strings.HasPrefix(got, "id: 1\n") {
					t.Errorf("got %q, want the event", got)
				}
			})
			if n := strings.Count(logged.String(), "a stream of events waits for the store") - before; n != 1 {
				t.Errorf("the error is in the log %d times, want once", n)
			}
		})
	}
}

func TestAStreamThatFailsIsCut(t *testing.T) {
	farm := &historyFarm{}
	watchInBubble(t, farm, func(t *testing.T, stream *bufio.Reader) {
		farm.failWith(func(context.Context) error { panic("a mistake in the history") })
		if rest, err := io.ReadAll(stream); err == nil {
			t.Errorf("the stream ends with %q, as if the server had shut down", rest)
		}
	})
	if !strings.Contains(logged.String(), "panic: a mistake in the history\\ngoroutine") {
		t.Error("the log does not have the stack")
	}
}

func TestAStreamOfEventsWhoseClientStallsIsCut(t *testing.T) {
	farm := &historyFarm{}
	watchInBubble(t, farm, func(t *testing.T, _ *bufio.Reader) {
		for range 1000 {
			farm.addEvent()
		}
		time.Sleep(2 * http.WriteTimeout)
		farm.mu.Lock()
		before := farm.asked
		farm.mu.Unlock()
		time.Sleep(time.Minute)
		farm.mu.Lock()
		defer farm.mu.Unlock()
		if farm.asked != before {
			t.Error("the stream continues")
		}
	})
}

func TestAShutdownDoesNotWaitForAStoreThatHangs(t *testing.T) {
	farm := &historyFarm{}
	server := newFarmServer(farm, farm)
	inBubble(t, server, func(t *testing.T, dial func() net.Conn) {
		conn := dial()
		defer func() { _ = conn.Close() }()
		stream := bufio.NewReader(getStream(t, conn, "/v1/events/stream"))
		nextBlock(t, stream)
		farm.failWith(hanging)
		time.Sleep(2 * http.PollInterval)
		start := time.Now()
		shut := make(chan error)
		go func() { shut <- server.Shutdown(context.Background()) }()
		if rest, err := io.ReadAll(stream); err != nil || len(rest) > 0 {
			t.Errorf("the stream ends with %q and the error %v", rest, err)
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("the stream ended after %v", took)
		}
		if err := <-shut; err != nil {
			t.Errorf("Shutdown: %v", err)
		}
	})
}
