package client_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/userfarm/userfarm/adapters/client"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// refusal is the answer of a farm that has let an acquire wait.
var refusal = in(1, problemStep(409, "pool_exhausted"))

func TestALongWaitAsksAgainWithTheSameKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{answers: []step{after(time.Minute, refusal), after(time.Minute, refusal), after(30*time.Second, refusal)}}
		_, err := s.connect(t).Acquire(t.Context(), anyone, domain.Terms{Owner: "ci", Wait: 150 * time.Second}, noKey)
		if !errors.Is(err, domain.ErrPoolExhausted) {
			t.Errorf("got the error %v", err)
		}
		if len(s.requests) != 3 {
			t.Fatalf("the client asked %d times, want 3", len(s.requests))
		}
		for i, want := range []struct {
			at   time.Duration
			wait string
		}{{0, `"wait_seconds":60`}, {time.Minute, `"wait_seconds":60`}, {2 * time.Minute, `"wait_seconds":30`}} {
			got := s.requests[i]
			if got.at != want.at || !strings.Contains(got.body, want.wait) || got.key != s.requests[0].key {
				t.Errorf("after %v, the client asked with the key %q for %s", got.at, got.key, got.body)
			}
		}
	})
}

func TestALostAnswerShortensTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{answers: []step{after(40*time.Second, lost), says(201, leaseJSON)}}
		if _, err := s.connect(t).Acquire(t.Context(), anyone, domain.Terms{Wait: time.Minute}, noKey); err != nil {
			t.Fatal(err)
		}
		if got := s.requests[1].body; !strings.Contains(got, `"wait_seconds":20`) {
			t.Errorf("after 40 s, the client asked for %s", got)
		}
	})
}

// Where waiting does not help, the farm answers at once. The client must not ask it again and again.
func TestARefusalBeforeTheEndOfTheWaitIsRespected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{answers: []step{in(20, problemStep(409, "user_quarantined")), problemStep(409, "user_locked"), says(201, leaseJSON)}}
		if _, err := s.connect(t).Acquire(t.Context(), anyone, domain.Terms{Wait: 5 * time.Minute}, noKey); err != nil {
			t.Fatal(err)
		}
		if a, b := s.requests[1].at, s.requests[2].at; a != 20*time.Second || b != 21*time.Second {
			t.Errorf("the client asked again after %v and %v, want 20s and 21s", a, b)
		}
		s = &script{answers: []step{in(60, problemStep(409, "user_quarantined"))}}
		_, err := s.connect(t).Acquire(t.Context(), anyone, domain.Terms{Wait: time.Minute}, noKey)
		if !errors.Is(err, domain.ErrUserQuarantined) || len(s.requests) != 1 {
			t.Errorf("if there is no time for a retry: after %d requests, got the error %v", len(s.requests), err)
		}
	})
}

func TestTheFarmWaitsNotLongerThanTheCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second+time.Millisecond)
		defer cancel()
		s := &script{answers: []step{after(10*time.Second, refusal), silent}}
		_, err := s.connect(t).Acquire(ctx, anyone, domain.Terms{Wait: 5 * time.Minute}, noKey)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got the error %v", err)
		}
		if got := s.requests[0].body; !strings.Contains(got, `"wait_seconds":10`) {
			t.Errorf("with ten seconds left, the client asked for %s", got)
		}
	})
}

// Two acquires wait for longer than the farm lets anybody wait at once. The one that came first is served first, however often both
// had to ask again.
func TestALongWaitKeepsItsPlace(t *testing.T) {
	inBubble(t, func(t *testing.T, n *network) {
		farm, _ := newFarm(t)
		defer n.serve(t, farm)()
		c := n.connect(t)
		defer c.CloseIdleConnections()
		create(t, farm, "ann")
		lease, err := c.Acquire(t.Context(), anyone, domain.Terms{TTL: time.Hour}, noKey)
		if err != nil {
			t.Fatal(err)
		}
		served := make(chan string, 2)
		wait := func(name string, begin time.Duration) {
			time.Sleep(begin)
			lease, err := c.Acquire(t.Context(), anyone, domain.Terms{Owner: name, Wait: 5 * time.Minute}, noKey)
			if err != nil {
				t.Error(err)
			}
			served <- name
			if err := c.Release(t.Context(), lease.ID); err != nil {
				t.Error(err)
			}
		}
		var waiters sync.WaitGroup
		waiters.Go(func() { wait("first", 0) })
		waiters.Go(func() { wait("rival", 55*time.Second) }) // and so it waits at the farm whenever the first has to ask again
		time.Sleep(150 * time.Second)
		if err := c.Release(t.Context(), lease.ID); err != nil {
			t.Fatal(err)
		}
		if order := []string{<-served, <-served}; order[0] != "first" {
			t.Errorf("the acquires were served in the order %v", order)
		}
		waiters.Wait()
	})
}

func TestTheFarmRestartsWhileAnAcquireWaits(t *testing.T) {
	inBubble(t, func(t *testing.T, n *network) {
		farm, _ := newFarm(t)
		stop := n.serve(t, farm)
		c := n.connect(t)
		defer c.CloseIdleConnections()
		create(t, farm, "ann")
		lease, err := c.Acquire(t.Context(), anyone, domain.Terms{}, noKey)
		if err != nil {
			t.Fatal(err)
		}
		result := make(chan error, 1)
		go func() {
			_, err := c.Acquire(t.Context(), anyone, domain.Terms{Wait: 5 * time.Minute}, noKey)
			result <- err
		}()
		time.Sleep(10 * time.Second)
		stop() // answers shutting_down
		time.Sleep(10 * time.Second)
		defer n.serve(t, farm)()
		time.Sleep(10 * time.Second)
		if err := c.Release(t.Context(), lease.ID); err != nil {
			t.Error(err)
		}
		if err := <-result; err != nil {
			t.Error(err)
		}
	})
}

func TestTimesAreRoundedUpToSeconds(t *testing.T) {
	s := &script{answers: []step{says(201, leaseJSON)}}
	terms := domain.Terms{TTL: 1500 * time.Millisecond, Wait: time.Millisecond}
	if _, err := s.connect(t).Acquire(t.Context(), anyone, terms, noKey); err != nil {
		t.Fatal(err)
	}
	if got := s.requests[0].body; got != `{"users":[{}],"ttl_seconds":2,"wait_seconds":1}` {
		t.Errorf("the client asked for %s", got)
	}
}

func TestAFarmThatIsAwayIsUnavailable(t *testing.T) {
	farm, _ := newFarm(t)
	s := serve(t, farm)
	s.stop()
	c := connect(t, s.address)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Acquire(ctx, anyone, domain.Terms{}, noKey); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that has ended: %v", err)
	}
	once := connect(t, s.address, client.WithRetryFor(0))
	if _, err := once.Acquire(t.Context(), anyone, domain.Terms{}, noKey); !errors.Is(err, ports.ErrUnavailable) {
		t.Errorf("without retries: %v", err)
	}
}
