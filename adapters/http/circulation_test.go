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
