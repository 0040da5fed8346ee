package http_test

import (
	"strings"
	"testing"

	"github.com/userfarm/userfarm/adapters/http/internal/api"
)

func TestAUserGoesIntoQuarantineAndBack(t *testing.T) {
	c := newClient(t)
	alice, _ := c.newUser("alice", nil)
	path := "/v1/users/" + alice.UserID

	var user api.User
	c.post(path+"/quarantine", `{"reason":"blocked"}`).want(200).into(&user)
	if user.Status != api.StatusQuarantined || user.Quarantine == nil || user.Quarantine.Reason != "blocked" {
		t.Errorf("got the status %s", user.Status)
	}
	c.post("/v1/leases", `{"users":[{}]}`).want(409).wantProblem(api.CodePoolExhausted, "/users/0")

	for _, body := range []string{"", `{}`, `{"reason":"nothing to restore"}`} {
		user = api.User{}
		c.post(path+"/restore", body).want(200).into(&user)
		if user.Status != api.StatusFree || user.Quarantine != nil {
			t.Errorf("got the status %s", user.Status)
		}
	}
	c.wantEvents("user_id="+alice.UserID, "created", "quarantined: blocked", "restored")
}

func TestAForcedReleaseEndsTheWholeLease(t *testing.T) {
	c := newClient(t)
	alice, _ := c.newUser("alice", nil)
	bob, _ := c.newUser("bob", nil)
	lease := c.acquire(`{"users":[{},{}]}`)

	var user api.User
	c.post("/v1/users/"+alice.UserID+"/force-release", `{"reason":"its runner is gone"}`).want(200).into(&user)
	if user.Status != api.StatusFree || user.Lock != nil {
		t.Errorf("got the status %s", user.Status)
	}
	c.get("/v1/users/" + bob.UserID).want(200).into(&user)
	if user.Status != api.StatusFree {
		t.Errorf("the other user of the lease is %s", user.Status)
	}
	c.get("/v1/leases/" + lease.LeaseID).want(410).wantProblem(api.CodeLeaseExpired)
	c.post("/v1/users/"+alice.UserID+"/force-release", "").want(200)
	c.wantEvents("user_id="+bob.UserID, "created", "acquired", "forced: its runner is gone")
}

func TestAForcedReleaseEndsOnlyTheLockWithTheGivenFence(t *testing.T) {
	c := newClient(t)
	alice, _ := c.newUser("alice", nil)
	path := "/v1/users/" + alice.UserID + "/force-release"
	c.post("/v1/leases/"+c.acquire(`{"users":[{}]}`).LeaseID+"/release", "").want(204)
	lease := c.acquire(`{"users":[{}]}`)

	for _, body := range []string{`{"fence":1}`, `{"fence":3,"reason":"its runner is gone"}`, `{"fence":9223372036854775807}`} {
		c.post(path, body).want(409).wantProblem(api.CodeFenceMismatch)
	}
	for _, body := range []string{`{"fence":0}`, `{"fence":-1}`, `{"fence":null}`, `{"fence":"2"}`, `{"fence":2.5}`, `{"fence":9223372036854775808}`} {
		c.post(path, body).want(422).wantProblem(api.CodeInvalid, "/fence")
	}
	// A condition in the wrong place is not ignored, either.
	for _, body := range []string{`{"Fence":2}`, `{"lock":{"fence":2}}`, `{"fence":2,"if_match":2}`, `{"fence":[2]}`, `{"fence":-0}`} {
		c.post(path, body).want(422)
	}
	c.post(path, `{"fence":1,"fence":2}`).want(400).wantProblem(api.CodeMalformed)
	c.post(path+"?fence=1", "").want(422).wantProblem(api.CodeInvalid, "/fence")
	c.sendAs("application/x-www-form-urlencoded", "POST", path, "fence=1").want(415)
	c.sendWith(map[string][]string{"If-Match": {`"2"`}}, "POST", path, `{"fence":2}`).want(400).wantProblem(api.CodeMalformed)
	c.sendWith(map[string][]string{"If-Match": {`"1"`, `"2"`}}, "POST", path, `{"fence":2}`).want(400)
	for _, other := range []string{"/v1/users/" + alice.UserID + "/restore", "/v1/leases/" + lease.LeaseID + "/release"} {
		c.post(other, `{"fence":1}`).want(422).wantProblem(api.CodeInvalid, "/fence")
	}
	c.get("/v1/leases/" + lease.LeaseID).want(200)
	c.wantEvents("", "created", "acquired", "released", "acquired")

	for _, body := range []string{`{"fence":2}`, `{"fence":2.0}`, `{"fence":2e0}`} { // after the first there is nothing to end, and the user was not locked again
		var user api.User
		c.post(path, body).want(200).into(&user)
		if user.Status != api.StatusFree {
			t.Errorf("got the status %s", user.Status)
		}
	}
	c.get("/v1/leases/" + lease.LeaseID).want(410).wantProblem(api.CodeLeaseExpired)
}

// To ignore a condition would be to do what the client does not want: here, to end another lock.
func TestAConditionIsRejected(t *testing.T) {
	c := newClient(t)
	alice, _ := c.newUser("alice", nil)
	lease := c.acquire(`{"users":[{}]}`)
	user := "/v1/users/" + alice.UserID
	for _, header := range []string{"If-Match", "if-none-match", "If-Unmodified-Since"} {
		for _, value := range []string{`"1"`, `"1", "2"`, "*", `W/"1"`, "Wed, 25 Nov 2026 12:00:00 GMT", ""} {
			for _, request := range [][2]string{
				{"POST", user + "/force-release"}, {"POST", user + "/restore"}, {"PATCH", user}, {"DELETE", user}, {"GET", user},
				{"POST", "/v1/leases/" + lease.LeaseID + "/release"}, {"GET", "/v1/users"},
			} {
				c.sendWith(map[string][]string{header: {value}}, request[0], request[1], "").want(400).wantProblem(api.CodeMalformed)
			}
		}
	}
	c.get("/v1/leases/" + lease.LeaseID).want(200)
	c.wantEvents("", "created", "acquired")
}

func TestAReasonForARestoreGoesIntoTheHistory(t *testing.T) {
	c := newClient(t)
	alice, _ := c.newUser("alice", nil)
	c.post("/v1/users/"+alice.UserID+"/quarantine", `{"reason":"blocked"}`).want(200)
	c.post("/v1/users/"+alice.UserID+"/restore", `{"reason":"unblocked by hand"}`).want(200)
	c.wantEvents("", "created", "quarantined: blocked", "restored: unblocked by hand")
}

func TestAnInvalidReasonIsRejected(t *testing.T) {
	c := newClient(t)
	alice, _ := c.newUser("alice", nil)
	path := "/v1/users/" + alice.UserID
	for _, body := range []string{`{}`, `{"reason":""}`, `{"reason":null}`, `{"reason":"` + strings.Repeat("x", 1025) + `"}`} {
		c.post(path+"/quarantine", body).want(422).wantProblem(api.CodeInvalid, "/reason")
	}
	for _, body := range []string{`{"reason":7}`, `{"reason":"` + strings.Repeat("x", 1025) + `"}`} {
		c.post(path+"/restore", body).want(422).wantProblem(api.CodeInvalid, "/reason")
		c.post(path+"/force-release", body).want(422).wantProblem(api.CodeInvalid, "/reason")
	}
	c.post("/v1/users/x/restore", `{"why":1}`).want(422).wantProblem(api.CodeInvalid, "/user_id", "/why")
}
