package http_test

import (
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/userfarm/userfarm/adapters/http/internal/api"
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
	c.send("PATCH", "/v1/users/"+alice.UserID, `{"labels":{"plan":"free"}}`).want(200)
	c.send("DELETE", "/v1/users/"+alice.UserID, "").want(204)
	c.wantEvents("", "created", "acquired", "renewed", "released", "quarantined: blocked", "restored: unblocked", "changed", "removed")

	acquired := c.events("/v1/events")[1]
	project := projectID
	want := api.Event{
		EventID: acquired.EventID, At: lease.AcquiredAt, Kind: api.EventKindAcquired, UserID: &alice.UserID, Login: "alice",
		ProjectID: &project, Env: "staging", Domain: "shop.example.com", Owner: "ci-1", Note: "a test", Fence: 1,
		Changed: []api.ChangedField{}, Want: []api.WaiterSelector{{}},
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
		Changed: []api.ChangedField{}, WaitedSeconds: gaveUp.WaitedSeconds, HeldSeconds: gaveUp.HeldSeconds, Want: []api.WaiterSelector{{Env: new("staging")}},
	}
	if !reflect.DeepEqual(gaveUp, want) || gaveUp.WaitedSeconds < 0.9 {
		t.Errorf("got %+v, want %+v after a wait of a second", gaveUp, want)
	}
	if got := c.get("/v1/events?cursor=" + events[len(events)-2].EventID).body; !strings.Contains(got, `"user_id":null,"login":"","project_id":null`) {
		t.Errorf("got %s, want no user and no project", got)
	}
}

func TestTheEventOfAChangeNamesWhatChanged(t *testing.T) {
	c := newClient(t)
	alice, _ := c.newUser("alice", nil)
	c.acquire(`{"users":[{}],"owner":"ci-1"}`)
	path, password, totp := "/v1/users/"+alice.UserID, newPassword(), newTOTP()
	for _, change := range []string{
		`{"password":"` + password + `"}`, `{"labels":{"plan":"free"}}`, `{"totp_secret":"` + totp + `"}`,
		`{}`, `{"password":"` + password + `","labels":{"plan":"free"},"totp_secret":"` + totp + `"}`, // the same again
		`{"totp_secret":"","labels":{},"password":"` + newPassword() + `"}`,
	} {
		c.send("PATCH", path, change).want(200)
	}
	var got []string
	for _, e := range c.events("/v1/events?owner=ci-1")[1:] {
		got = append(got, string(e.Kind)+" "+encode(t, e.Changed))
	}
	want := []string{
		`changed ["password"]`, `changed ["labels"]`, `changed ["totp_secret"]`, `changed ["password","labels","totp_secret"]`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	created := c.get("/v1/events?limit=1").want(200).body
	if !strings.Contains(created, `"reason":"","changed":[],"waited_seconds":0,"held_seconds":0,"want":[],"key":null`) {
		t.Errorf("got %s", created)
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

	c.wantEvents("kind=released", "released")
	c.wantEvents("kind=released&kind=created&kind=released", "created", "created", "released")
	c.wantEvents("kind=changed")
	c.wantEvents("login=BOB", "created", "acquired", "released")
	c.wantEvents("login=bob&kind=created&env=staging", "created")
	c.wantEvents("login=nobody")
	c.wantEvents("project_id="+projectID+"&env=staging&domain=shop.example.com&owner=ci-1", "acquired", "released")
	c.wantEvents("project_id=" + someID)
	c.wantEvents("env=production")
	c.wantEvents("domain=shop")
	c.send("DELETE", "/v1/users/"+bob.UserID, "").want(204)
	c.wantEvents("login=bob", "created", "acquired", "released", "removed")
}

func TestEventsAreListedNewestFirst(t *testing.T) {
	c := newClient(t)
	alice, _ := c.newUser("alice", nil)
	lease := c.acquire(`{"users":[{"user_id":"` + alice.UserID + `"}],"owner":"ci-1"}`)
	c.post("/v1/leases/"+lease.LeaseID+"/release", "").want(204)
	c.newUser("bob", nil)

	c.wantEvents("order=asc", "created", "acquired", "released", "created")
	c.wantEvents("order=desc", "created", "released", "acquired", "created")
	c.wantEvents("order=desc&login=alice&kind=acquired&kind=created", "acquired", "created")
	all := c.events("/v1/events")
	c.wantEvents("order=desc&cursor="+all[2].EventID, "acquired", "created")
	c.wantEvents("order=desc&cursor=" + all[0].EventID)

	var page api.EventPage
	c.get("/v1/events?order=desc&limit=3").want(200).into(&page)
	if got := describeEvents(page.Events); got != "created, released, acquired" || page.NextCursor == nil || *page.NextCursor != all[1].EventID {
		t.Errorf("got the events %s, and then %v", got, page.NextCursor)
	}
}

// A store may end a page when it has examined many events that do not match.
func TestAPageWithoutEventsIsNotTheLastOne(t *testing.T) {
	farm := &walkingFarm{}
	c := serve(t, newFarmServer(farm, farm))
	want := func(query, want string) {
		t.Helper()
		if got := c.get("/v1/events?env=rare" + query).want(200).body; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	want("", `{"events":[],"next_cursor":"50"}`)
	want("&cursor=50", `{"events":[],"next_cursor":"100"}`)
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
		{"kind=", []string{"/kind"}},
		{"kind=locked", []string{"/kind"}},
		{"kind=acquired,released", []string{"/kind"}},
		{"kind=acquired&kind=Released", []string{"/kind"}},
		{"login=", []string{"/login"}},
		{"login=a&login=a", []string{"/login"}},
		{"login=%ff", []string{"/login"}},
		{"project_id=shop", []string{"/project_id"}},
		{"project_id=00000000-0000-0000-0000-000000000000", []string{"/project_id"}},
		{"env=", []string{"/env"}},
		{"domain=a%00b", []string{"/domain"}},
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
		{"order=", []string{"/order"}},
		{"order=newest", []string{"/order"}},
		{"order=desc&order=desc", []string{"/order"}},
		{"cursor=x&limit=x&order=x&since=x&user=x", []string{"/cursor", "/limit", "/order", "/since", "/user"}},
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
