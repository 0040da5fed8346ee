package http_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/userfarm/userfarm/adapters/http/internal/api"
	"github.com/userfarm/userfarm/domain"
)

// wantEnded fails the test unless the answer says that the lease is over, how it ended, and that it did after since.
func (a answer) wantEnded(end api.LeaseEnd, since time.Time) api.Problem {
	a.t.Helper()
	got := a.want(410).wantProblem(api.CodeLeaseExpired)
	if got.Ended != end || got.EndedAt == nil || got.EndedAt.Before(since) || got.EndedAt.After(time.Now()) {
		a.t.Errorf("the lease was %s at %v", got.Ended, got.EndedAt)
		return got
	}
	if at := got.EndedAt.Format(time.RFC3339); !strings.Contains(got.Detail, at) {
		a.t.Errorf("the detail does not say %s: %s", at, got.Detail)
	}
	return got
}

func TestAnEndedLeaseSaysHowItEnded(t *testing.T) {
	c := newClient(t)
	user, _ := c.newUser("alice", nil)
	for end, do := range map[api.LeaseEnd]func(lease string){
		api.LeaseEndReleased: func(lease string) { c.post("/v1/leases/"+lease+"/release", "").want(204) },
		api.LeaseEndForced:   func(string) { c.post("/v1/users/"+user.UserID+"/force-release", `{}`).want(200) },
	} {
		lease := c.acquire(`{"users":[{}]}`)
		do(lease.LeaseID)
		path := "/v1/leases/" + lease.LeaseID
		c.get(path).wantEnded(end, lease.AcquiredAt)
		c.post(path+"/renew", "").wantEnded(end, lease.AcquiredAt)
		c.post(path+"/release", "").wantEnded(end, lease.AcquiredAt)
		if got := c.post(path+"/users/"+user.UserID+"/otp", "").wantEnded(end, lease.AcquiredAt); got.Quarantine != nil {
			t.Errorf("it says what became of faults: %+v", got.Quarantine)
		}
	}
}

func TestTheDetailOfAnEndedLease(t *testing.T) {
	at := time.Date(2026, 11, 25, 10, 15, 0, 123456000, time.UTC)
	ids := [2]domain.UserID{{1}, {2}}
	const stop = ". Stop using its users: another test may hold them now."
	for end, want := range map[domain.LeaseEnd]string{
		domain.LeaseExpired:  "The lease expired at 2026-11-25T10:15:00Z" + stop,
		domain.LeaseReleased: "The lease was released at 2026-11-25T10:15:00Z" + stop,
		domain.LeaseForced:   "The lease was ended by force at 2026-11-25T10:15:00Z" + stop,
		"":                   "The lease expired, was released, or was ended by force" + stop,
	} {
		ended := &domain.EndedLeaseError{EndedLease: domain.EndedLease{End: end, At: at}}
		got := newBrokenClient(t, fmt.Errorf("store: find: %w", ended)).get("/v1/leases/" + someID).want(410).wantProblem(api.CodeLeaseExpired)
		if got.Detail != want {
			t.Errorf("the detail is %q, want %q", got.Detail, want)
		}
		if known := end != ""; got.Ended != api.LeaseEnd(end) || (got.EndedAt != nil) != known || known && !got.EndedAt.Equal(at) {
			t.Errorf("it was %q at %v", got.Ended, got.EndedAt)
		}

		ended.Faults = []domain.LateFault{{UserID: ids[0], Kept: true}, {UserID: ids[1]}}
		got = newBrokenClient(t, ended).post("/v1/leases/"+someID+"/release", "").want(410).wantProblem(api.CodeLeaseExpired)
		want += " In quarantine: 01000000-0000-0000-0000-000000000000. Too late for quarantine: 02000000-0000-0000-0000-000000000000."
		if got.Detail != want {
			t.Errorf("the detail is %q, want %q", got.Detail, want)
		}
	}
}

func TestAProblemNamesAtMostTheUsersThatALeaseCanHave(t *testing.T) {
	ended := &domain.EndedLeaseError{Faults: slices.Repeat([]domain.LateFault{{UserID: domain.UserID{1}}}, 33)}
	got := newBrokenClient(t, ended).post("/v1/leases/"+someID+"/release", "").want(410).wantProblem(api.CodeLeaseExpired)
	if len(got.Quarantine) != domain.MaxLeaseUsers || strings.Count(got.Detail, "01000000-") != domain.MaxLeaseUsers {
		t.Errorf("got %d users", len(got.Quarantine))
	}
}

func TestAReleaseOfAnEndedLeaseReportsBrokenUsers(t *testing.T) {
	c := newClient(t)
	alice, _ := c.newUser("alice", nil)
	bob, _ := c.newUser("bob", nil)
	other, _ := c.newUser("other", nil)
	lease := c.acquire(`{"users":[{"user_id":"` + alice.UserID + `"},{"user_id":"` + bob.UserID + `"}]}`)
	path := "/v1/leases/" + lease.LeaseID + "/release"
	c.post(path, "").want(204)
	c.acquire(`{"users":[{"user_id":"` + bob.UserID + `"}]}`)

	report := func(users ...api.User) string {
		body := api.ReleaseRequest{}
		for _, u := range users {
			body.Quarantine = append(body.Quarantine, api.Fault{UserID: u.UserID, Reason: "cart is not empty"})
		}
		encoded, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		return string(encoded)
	}
	c.post(path, report(alice, other)).want(422).wantProblem(api.CodeInvalid, "/quarantine/1/user_id")
	want := []api.LateFault{{UserID: alice.UserID, Kept: true}, {UserID: bob.UserID, Kept: false}}
	for range 2 {
		got := c.post(path, report(alice, bob)).wantEnded(api.LeaseEndReleased, lease.AcquiredAt)
		if !reflect.DeepEqual(got.Quarantine, want) {
			t.Errorf("got %+v, want %+v", got.Quarantine, want)
		}
		var user api.User
		c.get("/v1/users/" + alice.UserID).want(200).into(&user)
		if user.Quarantine == nil || user.Quarantine.Reason != "cart is not empty" {
			t.Errorf("the user is %s", user.Status)
		}
	}
}
