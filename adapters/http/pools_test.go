package http_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

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
		`"total":3,"free":1,"locked":1,"quarantined":1,"waiting":0,"longest_wait_seconds":0}]}`
	if got := c.get("/v1/pools").want(200).body; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAPoolShowsItsWaitingAcquires(t *testing.T) {
	c := newFarmClient(t, poolsFarm{waiting: 2, longest: 59_999 * time.Millisecond}, nil)
	want := `"waiting":2,"longest_wait_seconds":59}]}`
	if got := c.get("/v1/pools").want(200).body; !strings.HasSuffix(got, want) {
		t.Errorf("got %s, want it to end with %s", got, want)
	}
}

// poolsFarm is a farm with one pool, for which an acquire waits.
type poolsFarm struct {
	ports.Farm
	waiting int
	longest time.Duration
}

// Pools implements [ports.Pools].
func (f poolsFarm) Pools(context.Context) ([]domain.PoolCount, error) {
	pool := domain.Pool{ProjectID: domain.ProjectID{1}, Env: "staging", Domain: "shop.example.com"}
	return []domain.PoolCount{{Pool: pool, Waiting: f.waiting, LongestWait: f.longest}}, nil
}
