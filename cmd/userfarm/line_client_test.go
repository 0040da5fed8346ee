package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"strings"
	"testing"
	"time"
)

// lineClient opens a connection for each request that waits.
var lineClient = &http.Client{
	Timeout:   90 * time.Second,
	Transport: &http.Transport{MaxIdleConnsPerHost: 10_000},
}

// waiter is a client that waits in line, with its record of the request. Read the record after done is closed.
type waiter struct {
	done chan struct{}

	sent       time.Time // when it had a connection
	answered   time.Time
	status     int // 0 if there was no answer
	retryAfter string
	code       string // of a problem
	lease      heldLease
	err        error
}

type heldLease struct {
	LeaseID    string    `json:"lease_id"`
	AcquiredAt time.Time `json:"acquired_at"`
	Users      []struct {
		UserID string `json:"user_id"`
		Fence  uint64 `json:"fence"`
	} `json:"users"`
}

// waitInLine starts a client that asks the farm at an address for users of a pool and waits up to a minute for them.
func waitInLine(address, env string, users int, key string) *waiter {
	return waitForRole(address, env, "", users, key)
}

// waitForRole is waitInLine for a client that wants users with a role; any users of the pool if the role is empty.
func waitForRole(address, env, role string, users int, key string) *waiter {
	s := &waiter{done: make(chan struct{})}
	go func() {
		defer close(s.done)
		s.err = s.ask(address, env, role, users, key)
	}()
	return s
}

func (s *waiter) ask(address, env, role string, users int, key string) error {
	selector := fmt.Sprintf(`{"project_id":%q,"env":%q%s}`, project, env, roleLabel(role))
	body := fmt.Sprintf(`{"users":[%s],"owner":"test","wait_seconds":60}`, strings.Repeat(","+selector, users)[1:])
	request, err := http.NewRequest(http.MethodPost, "http://"+address+"/v1/leases", strings.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	if key != "" {
		request.Header.Set("Idempotency-Key", key)
	}
	connected := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { s.sent = time.Now() }}
	response, err := lineClient.Do(request.WithContext(httptrace.WithClientTrace(request.Context(), connected)))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	s.answered = time.Now()
	s.status, s.retryAfter = response.StatusCode, response.Header.Get("Retry-After")
	if s.status == http.StatusCreated {
		return json.NewDecoder(response.Body).Decode(&s.lease)
	}
	var problem struct{ Code string }
	err = json.NewDecoder(response.Body).Decode(&problem)
	s.code = problem.Code
	return err
}

// served waits for the answer, and fails the test if it takes too long or is not a lease.
func (s *waiter) served(t *testing.T, within time.Duration) heldLease {
	t.Helper()
	select {
	case <-s.done:
	case <-time.After(within):
		t.Fatalf("no answer within %v", within)
	}
	if s.status != http.StatusCreated || s.err != nil {
		t.Fatalf("got %d %s (%v), want a lease", s.status, s.code, s.err)
	}
	return s.lease
}

// giveBack releases a lease.
func giveBack(address, leaseID string) error {
	response, err := lineClient.Post("http://"+address+"/v1/leases/"+leaseID+"/release", "", nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusNoContent {
		return fmt.Errorf("release = %d", response.StatusCode)
	}
	return nil
}

// roleLabel returns the member of a selector or of a user for a role, or nothing if the role is empty.
func roleLabel(role string) string {
	if role == "" {
		return ""
	}
	return fmt.Sprintf(`,"labels":{"role":%q}`, role)
}

// fillPool creates users of a pool.
func fillPool(t *testing.T, address, env string, n int) {
	t.Helper()
	fillPoolWithRoles(t, address, env, make([]string, n))
}

// fillPoolWithRoles creates a user of a pool for each role.
func fillPoolWithRoles(t *testing.T, address, env string, roles []string) {
	t.Helper()
	for i, role := range roles {
		body := fmt.Sprintf(`{"login":"user-%d","password":"secret","project_id":%q,"env":%q,"domain":"regular"%s}`,
			i, project, env, roleLabel(role))
		response, err := lineClient.Post("http://"+address+"/v1/users", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusCreated {
			t.Fatalf("create user = %d", response.StatusCode)
		}
	}
}

type poolCount struct {
	Env     string
	Free    int
	Locked  int
	Waiting int
}

// countPool returns the counts of the pool from the farm at an address.
func countPool(t *testing.T, address, env string) poolCount {
	t.Helper()
	response, err := lineClient.Get("http://" + address + "/v1/pools")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer struct{ Pools []poolCount }
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	for _, pool := range answer.Pools {
		if pool.Env == env {
			return pool
		}
	}
	t.Fatalf("no pool %s in %+v", env, answer.Pools)
	return poolCount{}
}

// awaitWaiting returns when the farm at an address counts n waiters in line.
func awaitWaiting(t *testing.T, address, env string, n int) {
	t.Helper()
	var pool poolCount
	for deadline := time.Now().Add(15 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if pool = countPool(t, address, env); pool.Waiting == n {
			return
		}
	}
	t.Fatalf("%s counts %d waiting, want %d", address, pool.Waiting, n)
}
