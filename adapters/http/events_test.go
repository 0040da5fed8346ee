package http_test

import (
	"context"
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/userfarm/userfarm/adapters/http"
	"github.com/userfarm/userfarm/adapters/http/internal/api"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// wantEvents fails the test unless the events of a query have exactly these kinds. A kind may have a colon and the reason
// after it.
func (c client) wantEvents(query string, want ...string) {
	c.t.Helper()
	if got := describeEvents(c.events("/v1/events?" + query)); got != strings.Join(want, ", ") {
		c.t.Errorf("got the events %s, want %s", got, strings.Join(want, ", "))
	}
}

// events returns the events of a page, which must be the last one.
func (c client) events(path string) []api.Event {
	c.t.Helper()
	var page api.EventPage
	got := c.get(path).want(200)
	got.into(&page)
	if page.NextCursor != nil {
		c.t.Errorf("there is another page, %s", *page.NextCursor)
	}
	if n := secrets.in(got.body); n > 0 {
		c.t.Errorf("the events contain %d secrets", n)
	}
	return page.Events
}

func describeEvents(events []api.Event) string {
	var texts []string
	for _, e := range events {
		text := string(e.Kind)
		if e.Reason != "" {
			text += ": " + e.Reason
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, ", ")
}

func TestEveryChangeIsInTheHistory(t *testing.T) {
	c := newClient(t)
	if got := c.get("/v1/events").want(200).body; got != `{"events":[],"next_cursor":null}` {
		t.Errorf("got %s", got)
	}
	alice, _ := c.newUser("alice", nil)
	lease := c.acquire(`{"users":[{}],"owner":"ci-1","note":"a test"}`)
	c.post("/v1/leases/"+lease.LeaseID+"/renew", "").want(200)
	c.post("/v1/leases/"+lease.LeaseID+"/release", `{"quarantine":[{"user_id":"`+alice.UserID+`","reason":"blocked"}]}`).want(204)
	c.post("/v1/users/"+alice.UserID+"/restore", `{"reason":"unblocked"}`).want(200)
	c.send("DELETE", "/v1/users/"+alice.UserID, "").want(204)
	c.wantEvents("", "created", "acquired", "renewed", "released", "quarantined: blocked", "restored: unblocked", "removed")

	acquired := c.events("/v1/events")[1]
	project := projectID
	want := api.Event{
		EventID: acquired.EventID, At: lease.AcquiredAt, Kind: api.EventKindAcquired, UserID: &alice.UserID, Login: "alice",
		ProjectID: &project, Env: "staging", Domain: "shop.example.com", Owner: "ci-1", Note: "a test", Fence: 1,
	}
	if !reflect.DeepEqual(acquired, want) {
		t.Errorf("got %+v, want %+v", acquired, want)
	}
}

func TestAClaimThatGaveUpIsInTheHistory(t *testing.T) {
	c := newClient(t)
	c.newUser("alice", nil)
	c.acquire(`{"users":[{}]}`)
	c.post("/v1/leases", `{"users":[{"env":"staging"}],"owner":"ci-2","note":"a test","wait_seconds":1}`).want(409)
	events := c.events("/v1/events")
	gaveUp := events[len(events)-1]
	want := api.Event{
		EventID: gaveUp.EventID, At: gaveUp.At, Kind: api.EventKindGaveUp, Env: "staging", Owner: "ci-2", Note: "a test",
		WaitedSeconds: gaveUp.WaitedSeconds,
	}
	if !reflect.DeepEqual(gaveUp, want) || gaveUp.WaitedSeconds < 0.9 {
		t.Errorf("got %+v, want %+v after a wait of a second", gaveUp, want)
	}
	if got := c.get("/v1/events?cursor=" + events[len(events)-2].EventID).body; !strings.Contains(got, `"user_id":null,"login":"","project_id":null`) {
		t.Errorf("got %s, want no user and no project", got)
	}
}

func TestEventsAreFiltered(t *testing.T) {
	c := newClient(t)
	alice, _ := c.newUser("alice", nil)
	bob, _ := c.newUser("bob", nil)
	lease := c.acquire(`{"users":[{"user_id":"` + bob.UserID + `"}],"owner":"ci-1"}`)
	c.post("/v1/leases/"+lease.LeaseID+"/release", "").want(204)
	c.acquire(`{"users":[{"user_id":"` + alice.UserID + `"}],"owner":"ci-2"}`)

	ahead := url.QueryEscape(lease.AcquiredAt.In(time.FixedZone("", 2*60*60)).Format(time.RFC3339Nano))
	c.wantEvents("", "created", "created", "acquired", "released", "acquired")
	c.wantEvents("limit=1000", "created", "created", "acquired", "released", "acquired")
	c.wantEvents("user_id="+bob.UserID, "created", "acquired", "released")
	c.wantEvents("user_id=" + someID)
	c.wantEvents("owner=ci-1", "acquired", "released")
	c.wantEvents("owner=ci-2&user_id=" + bob.UserID)
	c.wantEvents("since="+ahead, "acquired", "released", "acquired")
	c.wantEvents("since=9999-12-31T23:59:59Z")
	c.wantEvents("since=0001-01-01T00:00:00Z&owner=ci-1", "acquired", "released")

	all := c.events("/v1/events")
	c.wantEvents("cursor="+all[1].EventID+"&owner=ci-2", "acquired")
	c.wantEvents("cursor=" + all[4].EventID)
}

func TestEventsAreListedPageByPage(t *testing.T) {
	c := newClient(t)
	for i := range 5 {
		c.newUser(fmt.Sprint("user-", i), nil)
	}
	var logins []string
	path, pages := "/v1/events?limit=2", 0
	for next := path; next != ""; pages++ {
		var page api.EventPage
		c.get(next).want(200).into(&page)
		for _, e := range page.Events {
			logins = append(logins, e.Login)
		}
		next = ""
		if page.NextCursor != nil {
			next = path + "&cursor=" + *page.NextCursor
		}
	}
	if got := strings.Join(logins, " "); got != "user-0 user-1 user-2 user-3 user-4" || pages != 3 {
		t.Errorf("got %s on %d pages", got, pages)
	}
}

func TestAnInvalidEventFilterIsRejected(t *testing.T) {
	c := newClient(t)
	tests := []struct {
		query    string
		pointers []string
	}{
		{"user_id=bob", []string{"/user_id"}},
		{"user_id=00000000-0000-0000-0000-000000000000", []string{"/user_id"}},
		{"owner=", []string{"/owner"}},
		{"owner=%00", []string{"/owner"}},
		{"owner=a&owner=a", []string{"/owner"}},
		{"since=yesterday", []string{"/since"}},
		{"since=2026-11-23", []string{"/since"}},
		{"since=2026-11-23T09:30:00", []string{"/since"}},
		{"since=2026-11-23T09:30:00+01:00", []string{"/since"}},
		{"since=0000-12-31T23:59:59Z", []string{"/since"}},
		{"since=9999-12-31T23:59:59-14:00", []string{"/since"}},
		{"kind=acquired", []string{"/kind"}},
		{"env=%zz", []string{""}},
	}
	onlyPages := []struct {
		query    string
		pointers []string
	}{
		{"limit=0", []string{"/limit"}},
		{"limit=1001", []string{"/limit"}},
		{"cursor=0", []string{"/cursor"}},
		{"cursor=-1", []string{"/cursor"}},
		{"cursor=%2B1", []string{"/cursor"}},
		{"cursor=01", []string{"/cursor"}},
		{"cursor=9223372036854775808", []string{"/cursor"}},
		{"cursor=", []string{"/cursor"}},
		{"cursor=x&limit=x&since=x&login=x", []string{"/cursor", "/limit", "/login", "/since"}},
	}
	for _, test := range append(tests, onlyPages...) {
		t.Run(test.query, func(t *testing.T) {
			c := c.in(t)
			c.get("/v1/events?"+test.query).want(422).wantProblem(api.CodeInvalid, test.pointers...)
		})
	}
	for _, test := range append(tests, onlyPages[len(onlyPages)-1]) {
		t.Run("stream?"+test.query, func(t *testing.T) {
			c := c.in(t)
			c.get("/v1/events/stream?"+test.query).want(422).wantProblem(api.CodeInvalid, test.pointers...)
		})
	}
}

// countingHistory has the events with these ids, and counts its calls.
type countingHistory struct {
	first, last ports.EventID
	asked       int
}

// Events implements [ports.History].
func (h *countingHistory) Events(_ context.Context, q ports.EventQuery) (ports.EventPage, error) {
	h.asked++
	id := max(h.first, q.After+1)
	if id > h.last {
		return ports.EventPage{}, nil
	}
	return ports.EventPage{Events: []ports.RecordedEvent{{ID: id, Event: domain.Event{}}}, More: id < h.last}, nil
}

func TestTheNewestEventIsFoundInAFewSteps(t *testing.T) {
	histories := []countingHistory{{first: 1}, {first: 1 << 50, last: 1<<50 + 1_000_000}}
	for last := range ports.EventID(100) {
		histories = append(histories, countingHistory{first: 1, last: last}, countingHistory{first: last, last: last})
	}
	for _, h := range histories {
		got, err := http.NewestEvent(t.Context(), &h)
		if err != nil || got != h.last {
			t.Errorf("got %d and the error %v, want %d", got, err, h.last)
		}
		if h.asked > 45 {
			t.Errorf("it took %d calls", h.asked)
		}
	}
}
