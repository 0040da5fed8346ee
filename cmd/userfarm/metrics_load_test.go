package main_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"
)

const (
	loadWorkers = 8
	loadLeases  = 40 // of each worker
	loadUsers   = 5
)

// load is a farm that workers use, and what they count.
type load struct {
	*testing.T
	*tally
	farm *process
}

// send sends a request, and counts the answer.
func (l load) send(method, path, body string, headers ...string) (status int, answer string) {
	status, answer, err := l.farm.send(method, path, body, headers...)
	if err != nil {
		l.Error(err)
		return 0, ""
	}
	l.answered(method, path, status)
	return status, answer
}

// acquire acquires users, and counts what becomes of that. The lease is empty if there is none.
func (l load) acquire(users, wait, ttl int, headers ...string) (lease heldLease) {
	selector := fmt.Sprintf(`{"project_id":%q,"env":"load"}`, project)
	if users == 2 {
		selector += "," + selector
	}
	body := fmt.Sprintf(`{"users":[%s],"owner":"load","wait_seconds":%d,"ttl_seconds":%d}`, selector, wait, ttl)
	status, answer := l.send("POST", "/v1/leases", body, headers...)
	switch {
	case status == http.StatusCreated:
		l.add("wait granted")
		if err := json.Unmarshal([]byte(answer), &lease); err != nil {
			l.Error(err)
		}
		for range lease.Users {
			l.add("event acquired")
		}
	case status == http.StatusConflict && wait == 0:
		l.add("wait refused")
	case status == http.StatusConflict:
		l.add("wait gave_up", "event gave_up")
	default:
		l.Errorf("acquire = %d %s", status, answer)
	}
	return lease
}

// release releases a lease whose users have not been taken from it.
func (l load) release(lease heldLease, body string) {
	if status, answer := l.send("POST", "/v1/leases/"+lease.LeaseID+"/release", body); status != http.StatusNoContent {
		l.Errorf("release = %d %s", status, answer)
	}
	for range lease.Users {
		l.add("event released", "hold released")
	}
}

// want checks the status of an answer.
func (l load) want(want int) func(status int, answer string) {
	return func(status int, answer string) {
		if status != want {
			l.Errorf("got %d %s, want %d", status, answer, want)
		}
	}
}

// work acquires a lease and ends it, in one of the ways in which that happens.
func (l load) work(random *rand.Rand, name string) {
	const wait = 60
	pause := func() { time.Sleep(time.Duration(random.IntN(4)) * time.Millisecond) }
	switch n := random.IntN(100); {
	case n < 55:
		lease := l.acquire(1+random.IntN(2), wait, 900)
		pause()
		l.release(lease, "")
	case n < 65: // perhaps none is free
		if lease := l.acquire(1, 0, 900); lease.LeaseID != "" {
			pause()
			l.release(lease, "")
		}
	case n < 73:
		lease := l.acquire(1, wait, 900)
		l.want(200)(l.send("POST", "/v1/leases/"+lease.LeaseID+"/renew", `{"ttl_seconds":60}`))
		l.add("event renewed")
		l.want(200)(l.send("GET", "/v1/leases/"+lease.LeaseID, ""))
		l.release(lease, "")
	case n < 77: // its lock expires
		l.acquire(1, wait, 1)
		l.add("event expired", "hold expired")
	case n < 82:
		lease := l.acquire(1, wait, 900)
		l.want(200)(l.send("POST", "/v1/users/"+lease.Users[0].UserID+"/force-release", `{"reason":"it hangs"}`))
		l.add("event forced", "hold forced")
		l.want(410)(l.send("POST", "/v1/leases/"+lease.LeaseID+"/release", ""))
	case n < 87:
		lease := l.acquire(1, wait, 900)
		user := lease.Users[0].UserID
		l.release(lease, fmt.Sprintf(`{"quarantine":[{"user_id":%q,"reason":"broken"}]}`, user))
		l.add("event quarantined")
		l.want(200)(l.send("POST", "/v1/users/"+user+"/restore", ""))
		l.add("event restored")
	case n < 92: // the answer is lost, and the caller asks again
		key := []string{"Idempotency-Key", name}
		lease := l.acquire(1, wait, 900, key...)
		body := fmt.Sprintf(`{"users":[{"project_id":%q,"env":"load"}],"owner":"load","wait_seconds":%d,"ttl_seconds":900}`, project, wait)
		l.want(201)(l.send("POST", "/v1/leases", body, key...))
		l.release(lease, "")
	case n < 96:
		l.want(404)(l.send("POST", "/v1/leases", `{"users":[{"env":"nowhere"}],"wait_seconds":10}`))
		l.add("wait refused")
	default:
		l.want(422)(l.send("POST", "/v1/leases", `{"users":[]}`))
		l.want(404)(l.send("POST", "/v1/leases/"+project+"/release", ""))
	}
}

// What workers do to a farm, its metrics add up to.
func TestMetricsAddUpToWhatClientsCounted(t *testing.T) {
	address := freeAddress(t)
	l := load{t, &tally{}, serve(t, t.TempDir(), "--metrics-listen", address)}
	for i := range loadUsers {
		body := fmt.Sprintf(`{"login":"user-%d","password":"pw","project_id":%q,"env":"load","domain":"regular"}`, i, project)
		l.want(201)(l.send("POST", "/v1/users", body))
		l.add("event created")
	}
	var held []heldLease
	for range loadUsers {
		held = append(held, l.acquire(1, 60, 900))
	}
	var leaving sync.WaitGroup
	for n := range 6 { // wait in vain; that is on record half a minute later
		leaving.Go(func() { l.acquire(1+n%2, 1, 900) })
	}
	leaving.Wait()
	for _, lease := range held {
		l.release(lease, "")
	}

	var working sync.WaitGroup
	for worker := range loadWorkers {
		working.Go(func() {
			random := rand.New(rand.NewPCG(uint64(worker), 1))
			for i := range loadLeases {
				l.work(random, fmt.Sprint("worker ", worker, " lease ", i))
			}
		})
	}
	working.Wait()
	l.wantMetrics(t, []string{address})
}
