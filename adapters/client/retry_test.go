package client_test

import (
	"context"
	"errors"
	nethttp "net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/userfarm/userfarm/adapters/client"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

func TestACallIsRepeatedUntilItIsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{answers: []step{
			refused, lost, problemStep(503, "store_unavailable"), problemStep(503, "shutting_down"), problemStep(503, "too_many_connections"),
			problemStep(429, "rate_limited"), problemStep(408, "request_timeout"), says(502, "bad gateway"), says(200, poolsJSON),
		}}
		if _, err := s.connect(t).Pools(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(s.requests) != len(s.answers) {
			t.Errorf("the client sent %d requests, want %d", len(s.requests), len(s.answers))
		}
	})
}

func TestACallIsNotRepeatedIfThatDoesNotHelp(t *testing.T) {
	for name, answered := range map[string]step{
		"forbidden": problemStep(403, "forbidden"), "internal": problemStep(500, "internal"), "not found": problemStep(404, "user_not_found"),
		"exhausted": in(1, problemStep(409, "pool_exhausted")), "no problem": says(500, "x"), "a redirect": says(307, ""),
	} {
		s := &script{answers: []step{answered}}
		if _, err := s.connect(t).Pools(t.Context()); err == nil || len(s.requests) != 1 {
			t.Errorf("%s: after %d requests, got the error %v", name, len(s.requests), err)
		}
	}
}

func TestARetryComesNotBeforeTheFarmAsksForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{answers: []step{in(7, problemStep(429, "rate_limited")), says(200, poolsJSON)}}
		if _, err := s.connect(t).Pools(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := s.requests[1].at; got != 7*time.Second {
			t.Errorf("the retry came after %v, want 7s", got)
		}
	})
}

func TestPausesBetweenRetriesGrowUpToFiveSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{answers: []step{refused}}
		_, err := s.connect(t, client.WithRetryFor(time.Minute)).Pools(t.Context())
		if !errors.Is(err, ports.ErrUnavailable) {
			t.Errorf("got the error %v, want that the farm is unavailable", err)
		}
		pauses := []time.Duration{100 * time.Millisecond}
		for len(pauses) < len(s.requests) {
			pauses = append(pauses, min(2*pauses[len(pauses)-1], 5*time.Second))
		}
		for i, sent := range s.requests[1:] {
			if pause := sent.at - s.requests[i].at; pause < pauses[i]/2 || pause > pauses[i]*3/2 {
				t.Errorf("pause %d is %v, want about %v", i, pause, pauses[i])
			}
		}
		if last := s.requests[len(s.requests)-1].at; last > time.Minute || last < 50*time.Second {
			t.Errorf("the last attempt came after %v, want nearly a minute", last)
		}
	})
}

func TestACallGivesUpAtOnceIfTheFarmAsksForTooLongAPause(t *testing.T) {
	s := &script{answers: []step{in(31, problemStep(503, "store_unavailable"))}}
	if _, err := s.connect(t).Pools(t.Context()); !errors.Is(err, ports.ErrUnavailable) || len(s.requests) != 1 {
		t.Errorf("after %d requests, got the error %v", len(s.requests), err)
	}
}

func TestACallEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, answered := range map[string]step{
			"between retries": in(20, problemStep(503, "store_unavailable")), "without an answer": silent,
		} {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			begin := time.Now()
			_, err := (&script{answers: []step{answered}}).connect(t).Pools(ctx)
			if !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != 5*time.Second {
				t.Errorf("%s: after %v, got the error %v", name, time.Since(begin), err)
			}
			if said := errors.Is(err, ports.ErrUnavailable); said != (name == "between retries") {
				t.Errorf("%s: the error %v tells what the farm said: %v", name, err, said)
			}
		}
	})
}

func TestAConnectionWithoutAnAnswerIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{answers: []step{silent, says(200, poolsJSON)}}
		if _, err := s.connect(t).Pools(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := s.requests[1].at; got < 30*time.Second || got > 31*time.Second {
			t.Errorf("the retry came after %v, want a little more than 30s", got)
		}
		_, err := (&script{answers: []step{silent}}).connect(t, client.WithRetryFor(0)).Pools(t.Context())
		if !errors.Is(err, ports.ErrUnavailable) || errors.Is(err, context.Canceled) {
			t.Errorf("got the error %v, want that the farm is unavailable", err)
		}
	})
}

func TestEveryAttemptOfACallHasTheSameKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{answers: slices.Repeat([]step{lost, problemStep(503, "store_unavailable"), says(201, leaseJSON)}, 3)}
		c := s.connect(t)
		given, err := domain.NewIdempotencyKey("key of the caller")
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range []domain.IdempotencyKey{{}, {}, given} {
			if _, err := c.Acquire(t.Context(), anyone, domain.Terms{}, key); err != nil {
				t.Fatal(err)
			}
		}
		var keys []string
		for i, sent := range s.requests {
			keys = append(keys, sent.key)
			if sent.key == "" || sent.key != keys[i/3*3] || sent.body != s.requests[0].body {
				t.Errorf("attempt %d has the key %q and the body %s", i, sent.key, sent.body)
			}
		}
		if keys[0] == keys[3] || keys[6] != "key of the caller" {
			t.Errorf("the calls have the keys %q", keys)
		}
	})
}

// onceCalls are those that must not be carried out twice.
var onceCalls = map[string]func(context.Context, *client.Client) error{
	"lock": func(ctx context.Context, c *client.Client) error {
		_, err := c.LockOpen(ctx, domain.UserID{1})
		return err
	},
	"release": func(ctx context.Context, c *client.Client) error { return c.ReleaseOpen(ctx, domain.UserID{1}) },
	"create API key": func(ctx context.Context, c *client.Client) error {
		_, _, err := c.CreateKey(ctx, domain.KeySpec{Name: "ci", Role: domain.Tester})
		return err
	},
	"force release": func(ctx context.Context, c *client.Client) error {
		_, err := c.ForceRelease(ctx, domain.UserID{1}, 0, "")
		return err
	},
}

func TestACallThatMustNotBeCarriedOutTwiceIsNotRepeatedInDoubt(t *testing.T) {
	for name, call := range onceCalls {
		for _, doubt := range []step{lost, problemStep(503, "store_unavailable"), problemStep(503, "shutting_down"), says(504, "")} {
			s := &script{answers: []step{doubt}}
			if err := call(t.Context(), s.connect(t)); !errors.Is(err, ports.ErrUnavailable) || len(s.requests) != 1 {
				t.Errorf("%s: after %d requests, got the error %v", name, len(s.requests), err)
			}
		}
	}
}

func TestACallThatMustNotBeCarriedOutTwiceIsRepeatedIfItWasNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, call := range onceCalls {
			s := &script{answers: []step{
				refused, problemStep(429, "rate_limited"), problemStep(503, "too_many_connections"), problemStep(403, "forbidden"),
			}}
			if err := call(t.Context(), s.connect(t)); !errors.Is(err, domain.ErrForbidden) || len(s.requests) != 4 {
				t.Errorf("%s: after %d requests, got the error %v", name, len(s.requests), err)
			}
		}
	})
}

func TestALostAnswerOfAReleaseIsNoError(t *testing.T) {
	over := func(more string) step { return problemWith(410, "lease_expired", more) }
	const late = `,"ended_at":"2026-11-23T09:35:00Z","quarantine":[{"user_id":"01a207ad-dd31-71ec-8a51-5b0e4a7a0c11","kept":`
	tests := map[string]struct {
		answers []step
		want    error
	}{
		"released by the first attempt": {[]step{lost, over(`,"ended":"released"` + late + `true}]`)}, nil},
		"fault came too late":           {[]step{lost, over(`,"ended":"released"` + late + `false}]`)}, domain.ErrLeaseExpired},
		"expired meanwhile":             {[]step{lost, over(`,"ended":"expired"`)}, domain.ErrLeaseExpired},
		"released before":               {[]step{over(`,"ended":"released"`)}, domain.ErrLeaseExpired},
		"not carried out before":        {[]step{refused, over(`,"ended":"released"`)}, domain.ErrLeaseExpired},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := &script{answers: test.answers}
			if err := s.connect(t).Release(t.Context(), domain.NewLeaseID()); !errors.Is(err, test.want) || err != nil && test.want == nil {
				t.Errorf("got the error %v, want %v", err, test.want)
			}
		})
	}
}

func TestALostAnswerOfARemovalIsNoError(t *testing.T) {
	missing := problemStep(404, "user_not_found")
	s := &script{answers: []step{lost, missing}}
	if err := s.connect(t).RemoveUser(t.Context(), domain.UserID{1}, ""); err != nil {
		t.Errorf("after a lost answer: %v", err)
	}
	s = &script{answers: []step{missing}}
	if err := s.connect(t).RemoveUser(t.Context(), domain.UserID{1}, ""); !errors.Is(err, domain.ErrUserNotFound) {
		t.Errorf("without one: %v", err)
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	s := &script{answers: []step{func(req *nethttp.Request) (*nethttp.Response, error) {
		resp, err := says(307, "")(req)
		resp.Header.Set("Location", "http://elsewhere/")
		return resp, err
	}}}
	if _, err := s.connect(t).Pools(t.Context()); err == nil || len(s.requests) != 1 {
		t.Errorf("after %d requests, got the error %v", len(s.requests), err)
	}
}

func TestAClientSurvivesARestartOfTheFarm(t *testing.T) {
	farm, _ := newFarm(t)
	create(t, farm, "ann")
	first := serve(t, farm)
	c := connect(t, first.address)
	lease, err := c.Acquire(t.Context(), anyone, domain.Terms{}, noKey)
	if err != nil {
		t.Fatal(err)
	}
	first.stop()
	released := make(chan error)
	go func() { released <- c.Release(t.Context(), lease.ID) }()
	serveGate(t, first.address[len("http://"):], openGate{farm})
	if err := <-released; err != nil {
		t.Errorf("release: %v", err)
	}
}

func TestAnAPIKeyAuthenticates(t *testing.T) {
	farm, _ := newFarm(t)
	_, token, err := farm.CreateKey(t.Context(), domain.KeySpec{Name: "ci", Role: domain.Tester})
	if err != nil {
		t.Fatal(err)
	}
	s := serveGate(t, "127.0.0.1:0", gateOf(farm))
	create(t, farm, "ann")
	c := connect(t, s.address, client.WithAPIKey(token.Reveal()))
	if _, err := c.Acquire(t.Context(), anyone, domain.Terms{}, noKey); err != nil {
		t.Errorf("a tester acquires: %v", err)
	}
	if _, err := c.Quarantine(t.Context(), domain.UserID{1}, "x"); !errors.Is(err, domain.ErrForbidden) {
		t.Errorf("a tester quarantines: %v", err)
	}
	if _, err := connect(t, s.address).Pools(t.Context()); !errors.Is(err, domain.ErrUnauthorized) {
		t.Errorf("without a key: %v", err)
	}
}

func TestSelectorsOfAScopeAreRejected(t *testing.T) {
	s := &script{answers: []step{lost}}
	want := slices.Concat(anyone, []domain.Selector{domain.Selector{}.In(domain.Only(stage.ProjectID))})
	_, err := s.connect(t).Acquire(t.Context(), want, domain.Terms{}, noKey)
	invalid, ok := errors.AsType[*domain.InvalidError](err)
	if !ok || invalid.Fields[0].Pointer != "/users/1" || len(s.requests) != 0 {
		t.Errorf("after %d requests, got the error %v", len(s.requests), err)
	}
}
