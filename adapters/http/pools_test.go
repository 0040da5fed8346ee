package http_test

import "testing"

func TestPoolsAreCounted(t *testing.T) {
	c := newClient(t)
	if got := c.get("/v1/pools").want(200).body; got != `{"pools":[]}` {
		t.Errorf("got %s", got)
	}
	c.newUser("alice", nil)
	c.newUser("bob", nil)
	carol, _ := c.newUser("carol", nil)
	c.post("/v1/users/"+carol.UserID+"/quarantine", `{"reason":"r"}`).want(200)
	c.acquire(`{"users":[{}]}`)
	want := `{"pools":[{"project_id":"` + projectID + `","env":"staging","domain":"shop.example.com",` +
		`"total":3,"free":1,"locked":1,"quarantined":1,"waiting":0}]}`
	if got := c.get("/v1/pools").want(200).body; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
