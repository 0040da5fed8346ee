package http_test

import (
	"strings"
	"testing"

	"github.com/userfarm/userfarm/adapters/http/internal/api"
)

func TestAdvice(t *testing.T) {
	c := newClient(t)
	c.newUser("alice", nil)
	for range 3 {
		lease := c.acquire(`{"users":[{"env":"staging"}],"owner":"ci"}`)
		c.post("/v1/leases/"+lease.LeaseID+"/release", "").want(204)
	}
	var advice api.PoolAdvice
	c.get("/v1/pools/advice?target_seconds=30&env=staging").want(200).into(&advice)
	if advice.Claims != 3 || advice.TargetSeconds != 30 || len(advice.Wants) != 1 {
		t.Fatalf("the advice is %+v", advice)
	}
	want := advice.Wants[0]
	if want.Users != 1 || want.Enough != 1 || !want.Reached || want.Measured.Served != 3 || !strings.Contains(want.Sentence, "just enough: p95 is under 30 s") {
		t.Errorf("the advice is %+v", want)
	}
	c.get("/v1/pools/advice?env=nowhere").want(200).into(&advice)
	if len(advice.Wants) != 0 {
		t.Errorf("the advice for no pool is %+v", advice)
	}
}

func TestBadQueriesForAdvice(t *testing.T) {
	c := newClient(t)
	for query, pointer := range map[string]string{
		"target_seconds=0": "/target_seconds", "target_seconds=3601": "/target_seconds", "target_seconds=-1": "/target_seconds",
		"target_seconds=x": "/target_seconds", "since=yesterday": "/since", "project_id=shop": "/project_id", "env=": "/env", "login=ann": "/login",
	} {
		c.get("/v1/pools/advice?"+query).want(422).wantProblem(api.CodeInvalid, pointer)
	}
}
