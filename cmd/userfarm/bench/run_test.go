package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	nethttp "net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/userfarm/userfarm/domain"
)

const shortly = 300 * time.Millisecond

// benchmark runs cfg and returns what it reported; nothing if it did not report.
func benchmark(ctx context.Context, t *testing.T, cfg Config) (*Result, error) {
	t.Helper()
	var reported *Result
	err := Run(ctx, cfg, t.Output(), func(r Result) error {
		if reported != nil {
			t.Error("the bench reports twice")
		}
		reported = &r
		return nil
	})
	return reported, err
}

// wantWords fails the test unless the text of err contains all the words.
func wantWords(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error, want one that says %q", words)
		return
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("the error does not contain %q: %v", word, err)
		}
	}
}

func wantNoUsers(t *testing.T, farm string) {
	t.Helper()
	if left := usersOf(t, farm, ""); left > 0 {
		t.Errorf("%d users are left in the farm", left)
	}
}

func TestTheBenchMeasuresAFarm(t *testing.T) {
	farm := startFarm(t)
	r, err := benchmark(t.Context(), t, Config{Pools: 1, Rounds: 1, URL: farm, Clients: 8, Users: 50, For: shortly})
	if err != nil {
		t.Fatal(err)
	}
	if r.Pairs == 0 || r.PairsPerSecond == 0 || r.Elapsed < milliseconds(shortly) {
		t.Errorf("%d pairs, %v per second in %v ms", r.Pairs, r.PairsPerSecond, r.Elapsed)
	}
	if r.Refusals != 0 || len(r.Errors) != 0 || r.Overlaps != 0 || r.FencesOutOfOrder != 0 {
		t.Errorf("a correct farm is reported as broken: %+v", r)
	}
	if r.Acquire.Count != r.Pairs || r.Release.Count != r.Pairs || r.Requests.Count != 2*r.Pairs {
		t.Errorf("%d pairs are %d acquires and %d releases, %d requests",
			r.Pairs, r.Acquire.Count, r.Release.Count, r.Requests.Count)
	}
	for _, l := range []Latency{r.Acquire, r.Release, r.Requests} {
		if l.P50 <= 0 || l.P50 > l.P95 || l.P95 > l.P99 || l.P99 > l.Max {
			t.Errorf("latencies are out of order: %+v", l)
		}
	}
	wantNoUsers(t, farm)
}

func TestTheBenchRemovesMoreUsersThanOnePageLists(t *testing.T) {
	farm := startFarm(t)
	cfg := Config{Pools: 1, Rounds: 1, URL: farm, Clients: 8, Users: pageSize + 1, For: time.Millisecond}
	if _, err := benchmark(t.Context(), t, cfg); err != nil {
		t.Fatal(err)
	}
	wantNoUsers(t, farm)
}

func TestTheBenchSendsItsAPIKey(t *testing.T) {
	farm, keys := startFarmWithKeys(t)
	_, key, err := keys.CreateKey(t.Context(), domain.KeySpec{Name: "bench", Role: domain.Admin})
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{Pools: 1, Rounds: 1, URL: farm, Clients: 2, Users: 5, For: shortly, APIKey: key}
	r, err := benchmark(t.Context(), t, cfg)
	if err != nil || r.Pairs == 0 || len(r.Errors) != 0 {
		t.Errorf("with the key: %+v, %v", r, err)
	}
	cfg.APIKey = domain.Token{}
	if r, err = benchmark(t.Context(), t, cfg); r != nil {
		t.Errorf("without the key: %+v", r)
	}
	wantWords(t, err, "401", "unauthorized")
}

func TestTheBenchKeepsOtherUsers(t *testing.T) {
	farm := startFarm(t)
	other := newFarmAt(t, farm)
	if _, err := newProject(other, 1).fill(t.Context(), 3, func(number int) string { return plain.user(uuid.NewString(), "bench", number) }); err != nil {
		t.Fatal(err)
	}
	if _, err := benchmark(t.Context(), t, Config{Pools: 1, Rounds: 1, URL: farm, Clients: 4, Users: 5, For: shortly}); err != nil {
		t.Fatal(err)
	}
	if left := usersOf(t, farm, ""); left != 3 {
		t.Errorf("the farm has %d users, want the 3 that were there before", left)
	}
}

func TestRefusalsOfASmallPoolAreCounted(t *testing.T) {
	farm := startFarm(t)
	r, err := benchmark(t.Context(), t, Config{Pools: 1, Rounds: 1, URL: farm, Clients: 4, Users: 1, For: shortly, Hold: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if r.Refusals == 0 || r.Pairs == 0 || len(r.Errors) != 0 || r.Overlaps != 0 {
		t.Errorf("want pairs and refusals, and nothing else: %+v", r)
	}
	if r.Acquire.Count+r.Release.Count+r.Refusals != r.Requests.Count {
		t.Errorf("%d acquires, %d releases and %d refusals are not %d requests",
			r.Acquire.Count, r.Release.Count, r.Refusals, r.Requests.Count)
	}
	wantNoUsers(t, farm)
}

func TestTheEndOfAMeasurementEndsHolds(t *testing.T) {
	farm := startFarm(t)
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	go func() {
		for usersOf(t, farm, "&status=locked") < 4 {
			time.Sleep(time.Millisecond)
		}
		interrupt()
	}()
	r, err := benchmark(ctx, t, Config{Pools: 1, Rounds: 1, URL: farm, Clients: 4, Users: 9, For: 2 * time.Hour, Hold: time.Hour - leaseMargin})
	if err != nil {
		t.Fatal(err)
	}
	if r.Pairs != 0 || r.Acquire.Count != 4 || r.Release.Count != 4 {
		t.Errorf("want 4 acquires and releases, and no pair because no hold was whole: %+v", r)
	}
	wantNoUsers(t, farm)
}

func TestAnInterruptedMeasurementIsReported(t *testing.T) {
	farm := startFarm(t)
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	proxy := startProxy(t, farm, func(_ nethttp.ResponseWriter, r *nethttp.Request, before int64) bool {
		if isRelease(r) && before == 20 {
			interrupt()
		}
		return false
	})
	r, err := benchmark(ctx, t, Config{Pools: 1, Rounds: 1, URL: proxy, Clients: 4, Users: 9, For: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if r.Pairs < 20 {
		t.Errorf("it reports %d pairs, want those before the interrupt", r.Pairs)
	}
	wantNoUsers(t, farm)
}

func TestAnInterruptDuringTheCreationOfUsersRemovesThem(t *testing.T) {
	farm := startFarm(t)
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	proxy := startProxy(t, farm, func(_ nethttp.ResponseWriter, r *nethttp.Request, before int64) bool {
		if r.URL.Path == "/v1/users" && before == 20 {
			interrupt()
		}
		return false
	})
	r, err := benchmark(ctx, t, Config{Pools: 1, Rounds: 1, URL: proxy, Clients: 4, Users: 1000, For: time.Hour})
	wantWords(t, err, "create users", "interrupted")
	if r != nil {
		t.Errorf("it reports %+v", r)
	}
	wantNoUsers(t, farm)
}

// startFaultyServer starts a server that gives its only user to every client.
func startFaultyServer(t *testing.T, fence func() int64) string {
	t.Helper()
	var leases, removed atomic.Int64
	return startHandler(t, func(w nethttp.ResponseWriter, r *nethttp.Request) {
		switch {
		case isAcquire(r):
			answer(w, 201, fmt.Sprintf(`{"lease_id":"l%d","users":[{"user_id":"u","fence":%d}]}`, leases.Add(1), fence()))
		case r.Method == nethttp.MethodPost && r.URL.Path == "/v1/users":
			answer(w, 201, `{"user_id":"u"}`)
		case r.Method == nethttp.MethodGet && removed.Load() == 0:
			answer(w, 200, `{"users":[{"user_id":"u"}]}`)
		case r.Method == nethttp.MethodGet:
			answer(w, 200, `{"users":[]}`)
		case r.Method == nethttp.MethodDelete:
			removed.Add(1)
			answer(w, 204, "")
		default:
			answer(w, 204, "")
		}
	})
}

func TestAFarmThatSharesUsersIsReported(t *testing.T) {
	var next atomic.Int64
	faulty := startFaultyServer(t, func() int64 { return next.Add(1) })
	r, err := benchmark(t.Context(), t, Config{Pools: 1, Rounds: 1, URL: faulty, Clients: 2, Users: 1, For: shortly, Hold: 20 * time.Millisecond})
	wantWords(t, err, "shared users", "overlapping", "user u was handed out with fence")
	if r == nil || r.Overlaps == 0 || r.FirstOverlap == "" {
		t.Errorf("no overlaps are reported: %+v", r)
	}
}

func TestAFarmThatRepeatsFencesIsReported(t *testing.T) {
	faulty := startFaultyServer(t, func() int64 { return 1 })
	r, err := benchmark(t.Context(), t, Config{Pools: 1, Rounds: 1, URL: faulty, Clients: 1, Users: 1, For: shortly})
	wantWords(t, err, "shared users", "fences out of order", "with fence 1 after fence 1")
	if r == nil || r.Overlaps != 0 || r.FencesOutOfOrder == 0 {
		t.Errorf("want fences out of order, and no overlaps: %+v", r)
	}
}

func TestAUserOfAnotherPoolIsAnError(t *testing.T) {
	farm := startFarm(t)
	proxy := startProxy(t, farm, func(w nethttp.ResponseWriter, r *nethttp.Request, _ int64) bool {
		if isAcquire(r) {
			answer(w, 201, `{"lease_id":"l","users":[{"user_id":"stranger","fence":1}]}`)
		} else if isRelease(r) {
			answer(w, 204, "")
		}
		return isAcquire(r) || isRelease(r)
	})
	r, err := benchmark(t.Context(), t, Config{Pools: 1, Rounds: 1, URL: proxy, Clients: 2, Users: 1, For: shortly})
	wantWords(t, err, "another pool")
	if r == nil || r.Errors[kindUnexpected] == 0 {
		t.Errorf("want errors of the kind %s: %+v", kindUnexpected, r)
	}
}

func TestNoUserIsLeftAfterLostAnswers(t *testing.T) {
	farm := startFarm(t)
	proxy := startProxy(t, farm, func(w nethttp.ResponseWriter, r *nethttp.Request, before int64) bool {
		lose := (isAcquire(r) || isRelease(r)) && before%5 == 4
		if lose {
			if isAcquire(r) {
				carryOut(t, farm, r)
			}
			forget(t, w)
		}
		return lose
	})
	r, err := benchmark(t.Context(), t, Config{Pools: 1, Rounds: 1, URL: proxy, Clients: 4, Users: 50, For: shortly})
	if err != nil {
		t.Fatal(err)
	}
	if r.Errors[kindLost] == 0 || len(r.Errors) != 1 || r.Pairs == 0 || r.Overlaps != 0 || r.FencesOutOfOrder != 0 {
		t.Errorf("want pairs, and errors of the kind %s: %+v", kindLost, r)
	}
	wantNoUsers(t, farm)
}

func TestErrorsAreCountedByKind(t *testing.T) {
	farm := startFarm(t)
	proxy := startProxy(t, farm, func(w nethttp.ResponseWriter, r *nethttp.Request, before int64) bool {
		switch {
		case !isAcquire(r):
			return false
		case before == 0:
			answer(w, 503, unavailable)
		case before == 1:
			answer(w, 502, "<h1>Bad Gateway</h1>")
		case before == 2:
			answer(w, 201, `{"lease_id":"l","users":[]}`)
		case before == 3:
			answer(w, 200, "")
		default:
			return false
		}
		return true
	})
	r, err := benchmark(t.Context(), t, Config{Pools: 1, Rounds: 1, URL: proxy, Clients: 4, Users: 9, For: shortly})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int64{"store_unavailable": 1, "http_502": 1, kindUnexpected: 2}
	if fmt.Sprint(r.Errors) != fmt.Sprint(want) || r.FirstError == "" || r.Pairs == 0 {
		t.Errorf("want pairs, and the errors %v: %+v", want, r)
	}
}

func TestAFarmThatGrantsNothingIsAnError(t *testing.T) {
	farm := startFarm(t)
	proxy := startProxy(t, farm, func(w nethttp.ResponseWriter, r *nethttp.Request, _ int64) bool {
		if isAcquire(r) {
			answer(w, 503, unavailable)
		}
		return isAcquire(r)
	})
	r, err := benchmark(t.Context(), t, Config{Pools: 1, Rounds: 1, URL: proxy, Clients: 2, Users: 3, For: shortly})
	wantWords(t, err, "no pair succeeded", "503 store_unavailable: The database does not answer.")
	if r == nil || r.Errors["store_unavailable"] == 0 {
		t.Errorf("it reports %+v", r)
	}
	wantNoUsers(t, farm)
}

func TestTheBenchStopsIfTheFarmRejectsItsUsers(t *testing.T) {
	var requests atomic.Int64
	refusing := startHandler(t, func(w nethttp.ResponseWriter, _ *nethttp.Request) {
		requests.Add(1)
		answer(w, 422, invalid)
	})
	r, err := benchmark(t.Context(), t, Config{Pools: 1, Rounds: 1, URL: refusing, Clients: 2, Users: 100, For: shortly})
	wantWords(t, err, "create users", "422 invalid: It breaks the rules.", "/env: is not known here")
	if r != nil || requests.Load() > 2 {
		t.Errorf("the bench continued: %d requests, %+v", requests.Load(), r)
	}
}

func TestAServerThatIsNotAFarmIsAnError(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		says   string
	}{
		"another server": {404, "404 Not Found, without a problem as a farm sends it"},
		"a redirect":     {301, "301 Moved Permanently"},
	} {
		t.Run(name, func(t *testing.T) {
			other := startHandler(t, func(w nethttp.ResponseWriter, _ *nethttp.Request) { answer(w, test.status, "<html>") })
			_, err := benchmark(t.Context(), t, Config{Pools: 1, Rounds: 1, URL: other, Clients: 2, Users: 3, For: shortly})
			wantWords(t, err, "create users", test.says)
		})
	}
}

func TestAFarmThatIsDownIsAnError(t *testing.T) {
	down := httptest.NewServer(nil)
	down.Close()
	var output bytes.Buffer
	cfg := Config{Pools: 1, Rounds: 1, URL: down.URL, Clients: 2, Users: 3, For: shortly}
	err := Run(t.Context(), cfg, &output, func(Result) error { return nil })
	wantWords(t, err, "create users", "connection refused")
	if strings.Contains(output.String(), "removing") {
		t.Errorf("the bench removes users that were never created:\n%s", &output)
	}
}

func TestAnotherMachineIsRejected(t *testing.T) {
	_, err := benchmark(t.Context(), t, Config{Pools: 1, Rounds: 1, URL: "http://192.0.2.1:8000", Clients: 2, Users: 3, For: shortly})
	wantWords(t, err, "--allow-remote")
}

func TestUsersThatCanNotBeRemovedAreAnError(t *testing.T) {
	farm := startFarm(t)
	proxy := startProxy(t, farm, func(w nethttp.ResponseWriter, r *nethttp.Request, before int64) bool {
		refuse := r.Method == nethttp.MethodDelete && before >= 2
		if refuse {
			answer(w, 503, unavailable)
		}
		return refuse
	})
	cfg := Config{Pools: 1, Rounds: 1, URL: proxy, Clients: 1, Users: 9, For: shortly}
	p := newProject(newFarmAt(t, proxy), cfg.Clients)
	p.timeout = 50 * time.Millisecond
	b := &bench{cfg: cfg, project: p, progress: newProgress(t.Output())}
	err := b.run(t.Context(), func(Result) error { return nil })
	wantWords(t, err, "up to 7 are left in the farm", p.id, "store_unavailable")
	if left := usersOf(t, farm, "&project_id="+p.id); left != 7 {
		t.Errorf("%d users are left in the project that the error names", left)
	}
}

func TestTheRemovalOfUsersIsRetried(t *testing.T) {
	farm := startFarm(t)
	proxy := startProxy(t, farm, func(w nethttp.ResponseWriter, r *nethttp.Request, before int64) bool {
		lose := r.Method == nethttp.MethodDelete && before < 2
		if lose {
			forget(t, w)
		}
		return lose
	})
	if _, err := benchmark(t.Context(), t, Config{Pools: 1, Rounds: 1, URL: proxy, Clients: 2, Users: 9, For: shortly}); err != nil {
		t.Fatal(err)
	}
	wantNoUsers(t, farm)
}

func TestAReportThatCanNotBeWrittenIsAnError(t *testing.T) {
	farm := startFarm(t)
	broken := errors.New("broken pipe")
	cfg := Config{Pools: 1, Rounds: 1, URL: farm, Clients: 2, Users: 9, For: shortly}
	if err := Run(t.Context(), cfg, t.Output(), func(Result) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("got %v, want the error of the report", err)
	}
	wantNoUsers(t, farm)
}

func TestAnAnswerThatIsLateIsATimeout(t *testing.T) {
	answered := make(chan struct{})
	slow := startHandler(t, func(nethttp.ResponseWriter, *nethttp.Request) { <-answered })
	defer close(answered) // the server closes only after it has answered
	farm := newFarmAt(t, slow)
	farm.timeout = 10 * time.Millisecond
	_, err := farm.newCaller().create("{}")
	if kindOf(err) != kindTimeout || !mayHaveHappened(err) {
		t.Errorf("got %v of the kind %s, want a timeout", err, kindOf(err))
	}
}

func newFarmAt(t *testing.T, address string) *farm {
	t.Helper()
	target, err := parseURL(address)
	if err != nil {
		t.Fatal(err)
	}
	farm := newFarm(target, domain.Token{}, 4)
	t.Cleanup(farm.close)
	return farm
}

func TestTheBenchMeasuresPoolsAndLabels(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"pools":              func(c *Config) { c.Pools = 7 },
		"one set of labels":  func(c *Config) { c.LabelSets = 20 },
		"a shared label":     func(c *Config) { c.LabelSets, c.Want = 20, "shared" },
		"pools and labels":   func(c *Config) { c.Pools, c.LabelSets = 4, 5 },
		"fewer than clients": func(c *Config) { c.Pools = 3 },
	} {
		t.Run(name, func(t *testing.T) {
			farm := startFarm(t)
			cfg := short(farm)
			cfg.Compare, cfg.Rounds, cfg.For = true, 3, shortly/3
			change(&cfg)
			r, err := benchmark(t.Context(), t, cfg)
			if err != nil {
				t.Fatal(err)
			}
			if r.Pairs == 0 || r.Refusals != 0 || len(r.Errors) != 0 || r.Plain.Pairs == 0 || r.Ratio.Median <= 0 || r.Rounds != 3 {
				t.Errorf("want pairs of both, and nothing else: %+v", r)
			}
			if r.Elapsed < milliseconds(shortly) || r.PairsPerSecondOfRounds.Max < r.PairsPerSecondOfRounds.Median {
				t.Errorf("want the sum and the spread of 3 rounds: %+v", r)
			}
			wantNoUsers(t, farm)
		})
	}
}

func TestAUserWithoutTheWantedLabelIsAnError(t *testing.T) {
	var created atomic.Int64
	faulty := startHandler(t, func(w nethttp.ResponseWriter, r *nethttp.Request) {
		switch {
		case isAcquire(r):
			answer(w, 201, `{"lease_id":"l","users":[{"user_id":"u0","fence":1}]}`)
		case r.Method == nethttp.MethodPost && r.URL.Path == "/v1/users":
			answer(w, 201, fmt.Sprintf(`{"user_id":"u%d"}`, created.Add(1)-1))
		case r.Method == nethttp.MethodGet:
			answer(w, 200, `{"users":[]}`)
		default:
			answer(w, 204, "")
		}
	})
	cfg := short(faulty)
	cfg.Clients, cfg.LabelSets, cfg.Users = 1, 2, 2
	r, _ := benchmark(t.Context(), t, cfg)
	if r == nil || r.Errors[kindUnexpected] == 0 || !strings.Contains(r.FirstError, "without the wanted label") {
		t.Errorf("want errors of the kind %s: %+v", kindUnexpected, r)
	}
}
