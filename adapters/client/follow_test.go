package client_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	nethttp "net/http"
	"reflect"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/userfarm/userfarm/adapters/client"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// follow pulls the logins of the events that a client follows.
func follow(ctx context.Context, c *client.Client, q ports.EventQuery) (next func(t *testing.T) string, stop func()) {
	pull, stop := iter.Pull2(c.Follow(ctx, q))
	return func(t *testing.T) string {
		t.Helper()
		e, err, more := pull()
		if !more || err != nil {
			t.Fatalf("the stream ended: %v, %v", more, err)
		}
		return e.Login
	}, stop
}

func TestFollowYieldsWhatTheHistoryHas(t *testing.T) {
	farm, _ := newFarm(t)
	c := connect(t, serve(t, farm).address)
	ann := create(t, farm, "ann")
	if _, err := farm.Acquire(t.Context(), anyone, domain.Terms{Owner: "ci", Note: "n"}, noKey); err != nil {
		t.Fatal(err)
	}
	create(t, farm, "bob")
	want, err := farm.Events(t.Context(), ports.EventQuery{UserID: ann.ID})
	if err != nil {
		t.Fatal(err)
	}
	i := 0
	for e, err := range c.Follow(t.Context(), ports.EventQuery{UserID: ann.ID, Since: ann.CreatedAt}) {
		if err != nil || !reflect.DeepEqual(e, want.Events[i]) {
			t.Fatalf("event %d is %+v, %v; want %+v", i, e, err, want.Events[i])
		}
		if i++; i == len(want.Events) {
			break
		}
	}
}

func TestFollowBeginsWithNewEventsOrAfterOne(t *testing.T) {
	farm, _ := newFarm(t)
	c := connect(t, serve(t, farm).address)
	create(t, farm, "old")
	ctx, cancel := context.WithCancel(t.Context())
	next, stop := follow(ctx, c, ports.EventQuery{})
	defer stop()
	var creates sync.WaitGroup
	defer creates.Wait()
	defer cancel()
	creates.Go(func() { // until the stream has begun and has seen one of them
		for i := 0; ctx.Err() == nil; i++ {
			create(t, farm, fmt.Sprintf("new %d", i))
			time.Sleep(20 * time.Millisecond)
		}
	})
	got := next(t)
	cancel()
	creates.Wait()
	if got == "old" {
		t.Error("the stream begins with an event from before")
	}
	after, stopAfter := follow(t.Context(), c, ports.EventQuery{After: 1})
	defer stopAfter()
	if got := after(t); got != "new 0" {
		t.Errorf("after the first event, the stream has %s", got)
	}
}

// Connections break off and the farm restarts while events happen.
func TestFollowMissesNoEventAndYieldsNoneTwice(t *testing.T) {
	inBubble(t, func(t *testing.T, n *network) {
		farm, _ := newFarm(t)
		stop := n.serve(t, farm)
		c := n.connect(t)
		defer c.CloseIdleConnections()
		ctx, cancel := context.WithCancel(t.Context())
		next, end := follow(ctx, c, ports.EventQuery{Since: time.Unix(1, 0)})
		defer end()
		defer cancel()
		for i := range 30 {
			create(t, farm, fmt.Sprint("u", i))
			switch i % 10 {
			case 3:
				n.cut()
			case 7:
				stop()
				create(t, farm, fmt.Sprint("while away ", i))
				stop = n.serve(t, farm)
			}
			if got, want := next(t), fmt.Sprint("u", i); got != want {
				t.Fatalf("got the event of %s, want %s", got, want)
			}
			if i%10 == 7 {
				if got, want := next(t), fmt.Sprint("while away ", i); got != want {
					t.Fatalf("got the event of %s, want %s", got, want)
				}
			}
		}
		cancel()
		stop()
	})
}

// A stream that is cut before its first event goes on where it began, not with what is new by then.
func TestFollowKnowsWhereItBegan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []string
		s := &script{answers: []step{func(req *nethttp.Request) (*nethttp.Response, error) {
			asked = append(asked, req.Header.Get("Last-Event-ID"))
			if len(asked) == 3 {
				return problemStep(403, "forbidden")(req)
			}
			return saysAs("text/event-stream", 200, "retry: 1000\n\nid: 4711\n\n: still here\n\nid: 4712\nevent: x\ndata: {")(req)
		}}}
		for _, err := range s.connect(t).Follow(t.Context(), ports.EventQuery{}) {
			if !errors.Is(err, domain.ErrForbidden) {
				t.Errorf("got the error %v", err)
			}
		}
		if want := "[ 4711 4711]"; fmt.Sprint(asked) != want {
			t.Errorf("the client asked for events after %v, want %s", asked, want)
		}
	})
}

func TestFollowReconnectsWhenTheStreamIsSilent(t *testing.T) {
	inBubble(t, func(t *testing.T, n *network) {
		farm, _ := newFarm(t)
		create(t, farm, "ann")
		stop := n.serve(t, farm)
		defer stop()
		streams := 0
		c := connect(t, "http://farm", client.WithTransport(roundTripper(func(req *nethttp.Request) (*nethttp.Response, error) {
			if streams++; streams == 1 {
				resp, err := saysAs("text/event-stream", 200, "")(req)
				resp.Body = silentBody{req.Context()}
				return resp, err
			}
			return (&nethttp.Transport{DialContext: n.dial, DisableKeepAlives: true}).RoundTrip(req)
		})))
		begin := time.Now()
		next, end := follow(t.Context(), c, ports.EventQuery{Since: time.Unix(1, 0)})
		defer end()
		if got := next(t); got != "ann" || time.Since(begin) != 46*time.Second {
			t.Errorf("got the event of %s after %v, want that of ann after 46s", got, time.Since(begin))
		}
	})
}

// The farm sends heartbeats while it has no events.
func TestFollowKeepsAStreamWithoutEvents(t *testing.T) {
	inBubble(t, func(t *testing.T, n *network) {
		farm, _ := newFarm(t)
		defer n.serve(t, farm)()
		c := n.connect(t)
		defer c.CloseIdleConnections()
		ctx, cancel := context.WithCancel(t.Context())
		next, end := follow(ctx, c, ports.EventQuery{})
		defer end()
		defer cancel()
		go func() {
			time.Sleep(10 * time.Minute)
			create(t, farm, "ann")
		}()
		if got := next(t); got != "ann" || len(n.open) != 1 {
			t.Errorf("got the event of %s over %d connections, want that of ann over 1", got, len(n.open))
		}
	})
}

type roundTripper func(*nethttp.Request) (*nethttp.Response, error)

func (f roundTripper) RoundTrip(req *nethttp.Request) (*nethttp.Response, error) { return f(req) }

// silentBody is a body that never comes.
type silentBody struct{ context.Context }

func (b silentBody) Read([]byte) (int, error) { <-b.Done(); return 0, b.Err() }
func (silentBody) Close() error               { return nil }

func TestFollowEndsWithItsErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		event := func(data string) step { return saysAs("text/event-stream", 200, "id: 1\ndata: "+data+"\n\n") }
		tests := map[string]struct {
			query  ports.EventQuery
			answer step
			want   error
		}{
			"in the wrong order":       {ports.EventQuery{NewestFirst: true}, lost, domain.ErrInvalid},
			"not authorized":           {ports.EventQuery{}, problemStep(401, "unauthorized"), domain.ErrUnauthorized},
			"away":                     {ports.EventQuery{}, refused, ports.ErrUnavailable},
			"not JSON":                 {ports.EventQuery{}, event("x"), nil},
			"with an id that is no id": {ports.EventQuery{}, event(`{"event_id":"x"}`), nil},
			"without an id":            {ports.EventQuery{}, saysAs("text/event-stream", 200, "event: x\n\n"), nil},
		}
		for name, test := range tests {
			var errs []error
			for e, err := range (&script{answers: []step{test.answer}}).connect(t).Follow(t.Context(), test.query) {
				if !reflect.ValueOf(e).IsZero() {
					t.Errorf("%s: got the event %+v", name, e)
				}
				errs = append(errs, err)
			}
			if len(errs) != 1 || errs[0] == nil || test.want != nil && !errors.Is(errs[0], test.want) {
				t.Errorf("%s: got the errors %v, want one that is %v", name, errs, test.want)
			}
		}
	})
}

func TestFollowEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 9500*time.Millisecond)
		defer cancel()
		s := &script{answers: []step{saysAs("text/event-stream", 200, "retry: 1000\n\n")}}
		var last error
		for _, err := range s.connect(t).Follow(ctx, ports.EventQuery{}) {
			last = err
		}
		if !errors.Is(last, context.DeadlineExceeded) || len(s.requests) != 10 {
			t.Errorf("after %d connections, got the error %v", len(s.requests), last)
		}
	})
}

// FuzzFollow reads whatever a server may send. It ends with an error, or with the stream.
func FuzzFollow(f *testing.F) {
	f.Add("retry: 1000\n\nid: 4711\n\n: still here\n\n")
	f.Add("id: 1\r\nevent: created\r\ndata: {\"event_id\":\"1\",\"kind\":\"created\"}\r\n\r\n")
	f.Add("\xef\xbb\xbfdata\n\ndata: {}\n\n")
	f.Fuzz(func(t *testing.T, stream string) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			s := &script{answers: []step{saysAs("text/event-stream", 200, stream), func(*nethttp.Request) (*nethttp.Response, error) {
				cancel()
				return nil, context.Canceled
			}}}
			var last error
			for e, err := range s.connect(t).Follow(ctx, ports.EventQuery{}) {
				if last != nil || (err == nil) == (e.ID == 0) {
					t.Errorf("after the error %v: got %+v, %v", last, e, err)
				}
				last = err
			}
			if last == nil {
				t.Error("the stream ended without an error")
			}
		})
	})
}
