//go:build stress

package main_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/userfarm/userfarm/domain"
)

// leaseTTL is short, so that a user is free again soon if the answer to its acquire was lost.
const leaseTTL = 15 * time.Second

// farmClient sends each request to a random replica, and counts the answers of each.
type farmClient struct {
	replicas []*replica
	answers  map[*replica]*answers
}

// answers are what one replica answered.
type answers struct {
	tally

	lost atomic.Int64 // requests without an answer
}

func newFarmClient(replicas []*replica) *farmClient {
	f := &farmClient{replicas, make(map[*replica]*answers)}
	for _, r := range replicas {
		f.answers[r] = &answers{}
	}
	return f
}

// count counts an answer, and what it says was written. Leases that the client releases have one user.
func (a *answers) count(method, path string, status int, answer any) {
	a.answered(method, path, status)
	lease, acquire := answer.(*leaseAnswer)
	switch {
	case acquire && status == http.StatusCreated:
		a.add("wait granted")
		for range lease.Users {
			a.add("event acquired")
		}
	case acquire:
		a.add("wait refused")
	case strings.HasSuffix(path, "/release") && status == http.StatusNoContent:
		a.add("event released", "hold released")
	case method == http.MethodPost && path == "/v1/users" && status == http.StatusCreated:
		a.add("event created")
	}
}

// wantMetrics fails the test unless the metrics of a replica that was never killed add up to what it answered. Which replica ends
// expired locks is open.
func (a *answers) wantMetrics(t *testing.T, r *replica) {
	t.Helper()
	if lost := a.lost.Load(); lost > 0 {
		t.Logf("%s did not answer %d requests, so its metrics are not compared", r.address, lost)
		return
	}
	a.tally.wantMetrics(t, []string{r.address}, "event expired", "hold expired")
	t.Logf("the metrics of %s add up to what its clients counted: %v", r.address, a.sums)
}

var httpClient = &http.Client{
	Timeout:   20 * time.Second,
	Transport: &http.Transport{MaxIdleConnsPerHost: 256},
}

// refusal is an error answer of the farm.
type refusal struct {
	status int
	Code   string
	Detail string
}

func (r *refusal) Error() string { return fmt.Sprintf("%d %s: %s", r.status, r.Code, r.Detail) }

func isRefusal(err error) bool {
	refused, ok := errors.AsType[*refusal](err)
	return ok && refused.status != http.StatusServiceUnavailable
}

type leaseAnswer struct {
	LeaseID   string    `json:"lease_id"`
	ExpiresAt time.Time `json:"expires_at"`
	Users     []struct {
		UserID string `json:"user_id"`
		Fence  uint64 `json:"fence"`
	} `json:"users"`
}

// holdFor acquires a user, holds it for a while and releases it. After an error there is no record of a hold, but there may have been
// one.
func (f *farmClient) holdFor(owner, selector string, d time.Duration) (hold, error) {
	var lease leaseAnswer
	if err := f.post("/v1/leases", acquireBody(owner, selector), &lease); err != nil {
		return hold{}, err
	}
	from := time.Now()
	time.Sleep(d)
	held := hold{user: lease.Users[0].UserID, fence: lease.Users[0].Fence, from: from, to: time.Now()}
	if held.to.After(lease.ExpiresAt) {
		held.to = lease.ExpiresAt
	}
	if err := f.release(lease.LeaseID); isRefusal(err) {
		return hold{}, fmt.Errorf("release: %w", err)
	}
	return held, nil // if the answer to the release was lost, the user is released or its lease expires
}

// release tries another replica if one is down, and counts an expired lease as released.
func (f *farmClient) release(leaseID string) error {
	for {
		err := f.post("/v1/leases/"+leaseID+"/release", "", nil)
		if refused, ok := errors.AsType[*refusal](err); ok && refused.Code == "lease_expired" {
			return nil
		}
		if !errors.Is(err, syscall.ECONNREFUSED) {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// holdEveryUser holds every user of the project once, as many at a time as a lease may hold. lost counts the locks that may have been
// granted in an answer that was lost.
func (f *farmClient) holdEveryUser(t *testing.T, project string) (holds []hold, lost int) {
	t.Helper()
	time.Sleep(leaseTTL) // leases whose answer was lost expire in this time
	var selectors []string
	for cursor := ""; ; {
		var page struct {
			Users []struct {
				UserID string `json:"user_id"`
			} `json:"users"`
			NextCursor string `json:"next_cursor"`
		}
		query := url.Values{"project_id": {project}, "limit": {"1000"}}
		if cursor != "" {
			query.Set("cursor", cursor)
		}
		if err := f.do(http.MethodGet, "/v1/users?"+query.Encode(), "", &page); err != nil {
			t.Fatalf("list users: %v", err)
		}
		for _, u := range page.Users {
			selectors = append(selectors, fmt.Sprintf(`{"user_id":%q}`, u.UserID))
		}
		if cursor = page.NextCursor; cursor == "" {
			break
		}
	}
	for len(selectors) > 0 {
		n := min(32, len(selectors))
		var lease leaseAnswer
		if err := f.post("/v1/leases", acquireBody("last word", selectors[:n]...), &lease); err != nil {
			if isRefusal(err) || lost > 10*n {
				t.Fatalf("acquire %d users by id: %v", n, err)
			}
			t.Logf("acquire %d users by id, trying again when its lease is over: %v", n, err)
			lost += n
			time.Sleep(leaseTTL)
			continue
		}
		for _, u := range lease.Users {
			holds = append(holds, hold{user: u.UserID, fence: u.Fence, from: time.Now(), to: time.Now()})
		}
		selectors = selectors[n:]
	}
	return holds, lost
}

func acquireBody(owner string, selectors ...string) string {
	return fmt.Sprintf(`{"users":[%s],"owner":%q,"ttl_seconds":%d}`, strings.Join(selectors, ","), owner, int(leaseTTL.Seconds()))
}

func (f *farmClient) post(path, body string, answer any) error {
	return f.do(http.MethodPost, path, body, answer)
}

func (f *farmClient) do(method, path, body string, answer any) error {
	replica := f.replicas[rand.IntN(len(f.replicas))]
	request, err := http.NewRequest(method, "http://"+replica.address+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	answers := f.answers[replica]
	response, err := httpClient.Do(request)
	if err != nil {
		answers.lost.Add(1)
		return err
	}
	defer response.Body.Close()
	if response.StatusCode >= 300 {
		answers.count(method, path, response.StatusCode, answer)
		refused := &refusal{status: response.StatusCode}
		_ = json.NewDecoder(response.Body).Decode(refused)
		return refused
	}
	if answer != nil {
		err = json.NewDecoder(response.Body).Decode(answer)
	}
	if err != nil {
		answers.lost.Add(1)
		return err
	}
	answers.count(method, path, response.StatusCode, answer)
	return nil
}

// history returns all events.
func (f *farmClient) history() (all []domain.Event, err error) {
	for cursor := ""; ; {
		var page struct {
			Events []struct {
				At     time.Time        `json:"at"`
				Kind   domain.EventKind `json:"kind"`
				UserID string           `json:"user_id"`
				Fence  uint64           `json:"fence"`
			} `json:"events"`
			NextCursor string `json:"next_cursor"`
		}
		query := url.Values{"limit": {"1000"}}
		if cursor != "" {
			query.Set("cursor", cursor)
		}
		if err := f.do(http.MethodGet, "/v1/events?"+query.Encode(), "", &page); err != nil {
			return nil, err
		}
		for _, e := range page.Events {
			id, err := domain.ParseUserID(e.UserID)
			if err != nil {
				return nil, err
			}
			all = append(all, domain.Event{At: e.At, Kind: e.Kind, UserID: id, Fence: e.Fence})
		}
		if cursor = page.NextCursor; cursor == "" {
			return all, nil
		}
	}
}
