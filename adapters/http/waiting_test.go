package http_test

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/userfarm/userfarm/adapters/http"
	"github.com/userfarm/userfarm/adapters/http/internal/api"
	"github.com/userfarm/userfarm/adapters/http/internal/entrance"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

func TestAnAcquireWaitsForAUser(t *testing.T) {
	c := newClient(t)
	alice, _ := c.newUser("alice", nil)
	lease := c.acquire(`{"users":[{}]}`)
	answered := make(chan answer)
	go func() { answered <- c.post("/v1/leases", `{"users":[{}],"wait_seconds":60}`) }()
	waitUntilInLine(c)
	c.post("/v1/leases/"+lease.LeaseID+"/release", "").want(204)
	var next api.Lease
	(<-answered).want(201).into(&next)
	if next.Users[0].UserID != alice.UserID {
		t.Error("the lease has another user")
	}
}

// waitUntilInLine returns when an acquire waits.
func waitUntilInLine(c client) {
	c.t.Helper()
	for {
		var list api.PoolList
		c.get("/v1/pools").want(200).into(&list)
		if list.Pools[0].Waiting > 0 {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

func TestAnAcquireThatWaitsTooLongIsRejected(t *testing.T) {
	c := newClient(t)
	c.newUser("alice", nil)
	c.acquire(`{"users":[{}]}`)
	start := time.Now()
	got := c.post("/v1/leases", `{"users":[{}],"wait_seconds":1}`).want(409)
	got.wantProblem(api.CodePoolExhausted, "/users/0")
	if got.header.Get("Retry-After") != "1" {
		t.Error("the problem does not say when to try again")
	}
	if waited := time.Since(start); waited < time.Second || waited > 10*time.Second {
		t.Errorf("the acquire waited for %v", waited)
	}
}

func TestAnAcquireDoesNotWaitForMissingUsers(t *testing.T) {
	c := newClient(t)
	c.post("/v1/leases", `{"users":[{}],"wait_seconds":60}`).want(404).wantProblem(api.CodeNoMatch, "/users/0")
}

// lineFarm is a farm whose acquires wait for their whole time, or until the context ends.
type lineFarm struct {
	ports.Farm
	ports.Health
	entered chan struct{}
	cut     func() (domain.Lease, error) // its answer when the context ends
}

// Acquire implements [ports.Leases].
func (f lineFarm) Acquire(
	ctx context.Context, _ []domain.Selector, terms domain.Terms, _ domain.IdempotencyKey,
) (domain.Lease, error) {
	close(f.entered)
	select {
	case <-time.After(terms.Wait):
		return domain.Lease{}, domain.ErrPoolExhausted
	case <-ctx.Done():
		return f.cut()
	}
}

func TestTheLongestWaitIsAnswered(t *testing.T) {
	farm := lineFarm{entered: make(chan struct{})}
	inBubble(t, newFarmServer(farm, farm), func(t *testing.T, dial func() net.Conn) {
		conn := dial()
		defer func() { _ = conn.Close() }()
		start := time.Now()
		sendWaiting(t, conn)
		readAnswer(t, conn, "POST").want(409).wantProblem(api.CodePoolExhausted)
		if waited := time.Since(start); waited != domain.MaxWait {
			t.Errorf("the acquire waited for %v, want %v", waited, domain.MaxWait)
		}
	})
}

func TestAFarmThatHangsInLineDoesNotHangItsCaller(t *testing.T) {
	inBubble(t, newFarmServer(brokenFarm(hanging), brokenFarm(hanging)), func(t *testing.T, dial func() net.Conn) {
		conn := dial()
		defer func() { _ = conn.Close() }()
		start := time.Now()
		sendWaiting(t, conn)
		readAnswer(t, conn, "POST").want(503).wantProblem(api.CodeStoreUnavailable)
		if waited := time.Since(start); waited != domain.MaxWait+entrance.RequestTimeout {
			t.Errorf("the caller waited for %v", waited)
		}
	})
}

const (
	waitingBody    = `{"users":[{}],"wait_seconds":60}`
	waitingRequest = "POST /v1/leases HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 32\r\n\r\n" + waitingBody
)

// sendWaiting sends an acquire that waits.
func sendWaiting(t *testing.T, conn net.Conn) {
	t.Helper()
	if _, err := io.WriteString(conn, waitingRequest); err != nil {
		t.Fatal(err)
	}
}

func TestAShutdownAnswersWaitingRequests(t *testing.T) {
	server := newServer()
	c := serve(t, server)
	c.newUser("alice", nil)
	c.acquire(`{"users":[{}]}`)
	answered := make(chan answer)
	go func() { answered <- c.post("/v1/leases", waitingBody) }()
	waitUntilInLine(c)

	start := time.Now()
	if err := server.Shutdown(context.Background()); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	got := (<-answered).want(503)
	got.wantProblem(api.CodeShuttingDown)
	if got.header.Get("Retry-After") != "1" {
		t.Error("the answer does not say when to ask again")
	}
	if took := time.Since(start); took > http.ArrivalTimeout {
		t.Errorf("the shutdown took %v", took)
	}
}

func TestNoRequestBeginsToWaitDuringAShutdown(t *testing.T) {
	farm := lineFarm{
		entered: make(chan struct{}),
		cut:     func() (domain.Lease, error) { return domain.Lease{}, context.Canceled },
	}
	server := newFarmServer(farm, farm)
	inBubble(t, server, func(t *testing.T, dial func() net.Conn) {
		conn := dial()
		defer func() { _ = conn.Close() }()
		request := waitingRequest[:20]
		if _, err := io.WriteString(conn, request); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		shut := make(chan error)
		go func() { shut <- server.Shutdown(context.Background()) }()
		time.Sleep(time.Second)
		if _, err := io.WriteString(conn, waitingRequest[len(request):]); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		readAnswer(t, conn, "POST").want(503).wantProblem(api.CodeShuttingDown)
		if waited := time.Since(start); waited > 0 {
			t.Errorf("it waited for %v", waited)
		}
		if err := <-shut; err != nil {
			t.Errorf("Shutdown: %v", err)
		}
	})
}

func TestAnAnswerOfTheFarmDuringAShutdownIsKept(t *testing.T) {
	tests := map[string]struct {
		cut    func() (domain.Lease, error)
		status int
	}{
		"granted":   {func() (domain.Lease, error) { return domain.Lease{ID: domain.NewLeaseID()}, nil }, 201},
		"refused":   {func() (domain.Lease, error) { return domain.Lease{}, domain.ErrPoolExhausted }, 409},
		"cut short": {func() (domain.Lease, error) { return domain.Lease{}, ports.ErrUnavailable }, 503},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			farm := lineFarm{entered: make(chan struct{}), cut: test.cut}
			server := newFarmServer(farm, farm)
			c := serve(t, server)
			answered := make(chan answer)
			go func() { answered <- c.post("/v1/leases", waitingBody) }()
			<-farm.entered
			if err := server.Shutdown(context.Background()); err != nil {
				t.Errorf("Shutdown: %v", err)
			}
			(<-answered).want(test.status)
		})
	}
}

func TestAWaitEndsWithTheAuthorizationOfItsCaller(t *testing.T) {
	const most = 2 * time.Second
	f, server := guardFarm()
	inBubble(t, server, func(t *testing.T, dial func() net.Conn) {
		f.client = overPipes(t, dial)
		f.lease(f.addUser("ann", projectID))
		id, token := f.keyWithID(domain.Tester)
		other := f.key(domain.Tester)
		conn, waitsOn := dial(), dial()
		defer func() { _, _ = conn.Close(), waitsOn.Close() }()
		body := `{"users":[{}],"wait_seconds":30}`
		sendTo(t, conn, token, "POST", "/v1/leases", body)
		sendTo(t, waitsOn, other, "POST", "/v1/leases", body)
		time.Sleep(5 * time.Second)

		f.revoke(id)
		start := time.Now()
		readAnswer(t, conn, "POST").want(401).wantProblem(api.CodeUnauthorized)
		if took := time.Since(start); took > most {
			t.Errorf("the request was answered after %v, want %v at most", took, most)
		}
		readAnswer(t, waitsOn, "POST").want(409).wantProblem(api.CodePoolExhausted, "/users/0")
	})
}

func TestTheProblemOfAnExhaustedPoolSaysWhoHoldsItsUsersAndWhoWaits(t *testing.T) {
	c := newClient(t)
	c.newUser("alice", nil)
	lease := c.acquire(`{"users":[{}],"owner":"ci-4711/worker-3","note":"checkout.spec.ts"}`)
	answered := make(chan answer)
	go func() {
		answered <- c.post("/v1/leases", `{"users":[{"env":"staging"}],"wait_seconds":60,"owner":"ci-4712","note":"cart.spec.ts"}`)
	}()
	waitUntilInLine(c)
	problem := c.post("/v1/leases", `{"users":[{}]}`).want(409).wantProblem(api.CodePoolExhausted, "/users/0")
	if problem.Waiting == nil || *problem.Waiting != 1 || len(problem.HeldBy) != 1 {
		t.Fatalf("got %+v", problem)
	}
	if h := problem.HeldBy[0]; h.Login != "alice" || h.Owner != "ci-4711/worker-3" || h.Note != "checkout.spec.ts" || h.ExpiresAt == nil {
		t.Errorf("the holder is %+v", h)
	}
	want := "Users match, but too few of them are free now. Try again later, or add users to the pool. Held by ci-4711/worker-3 until " +
		problem.HeldBy[0].ExpiresAt.Format(time.RFC3339) + ". 1 other acquire waits for such users."
	if problem.Detail != want {
		t.Errorf("got the detail %q, want %q", problem.Detail, want)
	}

	var line api.Line
	c.get("/v1/line").want(200).into(&line)
	if line.Total != 1 || len(line.Waiters) != 1 {
		t.Fatalf("the line is %+v", line)
	}
	w := line.Waiters[0]
	if w.Position != 1 || w.Owner != "ci-4712" || w.Note != "cart.spec.ts" || w.Key != nil || len(w.Users) != 1 || *w.Users[0].Env != "staging" {
		t.Errorf("the waiter is %+v", w)
	}
	if c.get("/v1/line?limit=1").want(200).into(&line); line.Total != 1 || len(line.Waiters) != 1 {
		t.Errorf("with a limit, the line is %+v", line)
	}
	for _, limit := range []string{"0", "x", "1001"} {
		c.get("/v1/line?limit="+limit).want(422).wantProblem(api.CodeInvalid, "/limit")
	}
	c.post("/v1/leases/"+lease.LeaseID+"/release", "").want(204)
	(<-answered).want(201)
}

func TestAProblemSaysThatAllUsersAreInQuarantine(t *testing.T) {
	c := newClient(t)
	alice, _ := c.newUser("alice", nil)
	c.post("/v1/users/"+alice.UserID+"/quarantine", `{"reason":"r"}`).want(200)
	got := c.post("/v1/leases", `{"users":[{}]}`).want(409)
	problem := got.wantProblem(api.CodePoolExhausted, "/users/0")
	if !strings.HasSuffix(problem.Detail, " Too many users that match /users/0 are in quarantine: restore one, or add users.") {
		t.Errorf("got the detail %q", problem.Detail)
	}
	if len(problem.AllQuarantined) != 1 || problem.AllQuarantined[0] != "/users/0" {
		t.Errorf("the selectors whose users are all in quarantine are %q", problem.AllQuarantined)
	}
	if after := got.header.Get("Retry-After"); after != "60" {
		t.Errorf("Retry-After is %s", after)
	}
}
