package app_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/userfarm/userfarm/adapters/memory"
	"github.com/userfarm/userfarm/app"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// test is what one test of a day does.
type dayTest struct {
	comes    time.Duration // since the day began
	holds    time.Duration
	patience time.Duration
	want     []domain.Labels // of each user that it needs
}

// lived is what became of a test.
type lived struct {
	waited time.Duration
	served bool
}

// liveThrough lets tests acquire and release users of a farm in memory, and returns what became of each. The users are counted by role.
// It needs a bubble of synctest.
func liveThrough(t *testing.T, users map[string]int, day []dayTest) (*app.Farm, []lived) {
	t.Helper()
	farm, err := app.New(memory.New(), app.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	for _, role := range slices.Sorted(maps.Keys(users)) {
		for i := range users[role] {
			labelled(t, farm, fmt.Sprintf("%s-%d", role, i), stage, domain.Labels{"role": role})
			time.Sleep(time.Second) // users that were never held are handed out in the order of their creation
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	var housekeeping sync.WaitGroup
	housekeeping.Go(func() { farm.RunHousekeeping(ctx, slog.New(slog.DiscardHandler)) })
	lives := make([]lived, len(day))
	var running sync.WaitGroup
	began := time.Now()
	for i, test := range day {
		running.Go(func() {
			time.Sleep(time.Until(began.Add(test.comes)))
			want := make([]domain.Selector, len(test.want))
			for k, labels := range test.want {
				want[k] = domain.Selector{ProjectID: stage.ProjectID, Env: stage.Env, Domain: stage.Domain, Labels: labels}
			}
			key, err := domain.NewIdempotencyKey(fmt.Sprint("test ", i))
			if err != nil {
				t.Error(err)
				return
			}
			for came := time.Now(); ; {
				wait := min(domain.MaxWait, time.Until(came.Add(test.patience)))
				lease, err := farm.Acquire(t.Context(), want, domain.Terms{Owner: "ci", TTL: 24 * time.Hour, Wait: max(wait, 0)}, key)
				lives[i] = lived{waited: time.Since(came), served: err == nil}
				if err == nil {
					time.Sleep(test.holds)
					err = farm.Release(t.Context(), lease.ID)
				} else if errors.Is(err, domain.ErrPoolExhausted) {
					if time.Since(came) >= test.patience {
						return
					}
					continue
				}
				if err != nil {
					t.Error(err)
				}
				return
			}
		})
	}
	running.Wait()
	time.Sleep(5 * time.Minute) // until all that gave up are on record
	stop()
	housekeeping.Wait()
	return farm, lives
}

// newDay draws tests. The roles that each needs are drawn from wants.
func newDay(random *rand.Rand, tests int, gap, hold, patience time.Duration, wants [][]string) []dayTest {
	day := make([]dayTest, tests)
	var at time.Duration
	for i := range day {
		at += time.Duration(random.ExpFloat64() * float64(gap))
		day[i] = dayTest{comes: at, holds: hold/4 + time.Duration(random.ExpFloat64()*float64(hold)), patience: patience}
		for _, role := range wants[random.IntN(len(wants))] {
			labels := domain.Labels{}
			if role != "" {
				labels["role"] = role
			}
			day[i].want = append(day[i].want, labels)
		}
	}
	return day
}

// waitsFor returns the waits of the tests that want users with these labels.
func waitsFor(labels domain.Labels, day []dayTest, lives []lived) (w domain.Waits) {
	var waited []time.Duration
	for i, test := range day {
		if !slices.ContainsFunc(test.want, func(l domain.Labels) bool { return fmt.Sprint(l) == fmt.Sprint(labels) }) {
			continue
		}
		if !lives[i].served {
			w.GaveUp++
			continue
		}
		waited = append(waited, lives[i].waited)
	}
	slices.Sort(waited)
	w.Served = len(waited)
	rank := func(percent int) time.Duration { return waited[(len(waited)*percent+99)/100-1] }
	w.P50, w.P95 = rank(50), rank(95)
	return w
}

// near reports whether a duration is within a share of another one, or a second.
func near(a, b, share time.Duration) bool {
	return max(a-b, b-a) <= max(max(a, b)/share, time.Second)
}

// The tests of a day are lived through on a farm that has too few users, and again on one that has as many as the farm advises.
func TestTheAdvisedUsersKeepTheirPromise(t *testing.T) {
	const patient = 10 * time.Hour
	together := 0 // advice for users of several wants
	for name, test := range map[string]struct {
		users    map[string]int
		gap      time.Duration
		patience time.Duration
		wants    [][]string
	}{
		"one want":             {map[string]int{"admin": 4}, 10 * time.Second, patient, [][]string{{"admin"}}},
		"wants that overlap":   {map[string]int{"admin": 2, "buyer": 3}, 10 * time.Second, patient, [][]string{{"admin"}, {"buyer"}, {""}}},
		"tests of two users":   {map[string]int{"admin": 3, "buyer": 4}, 12 * time.Second, patient, [][]string{{"admin"}, {"buyer"}, {"admin", "buyer"}}},
		"tests that need both": {map[string]int{"admin": 3, "buyer": 3}, 10 * time.Second, patient, [][]string{{"admin", "buyer"}}},
		"most need both":       {map[string]int{"admin": 4, "buyer": 3}, 10 * time.Second, patient, [][]string{{"admin", "buyer"}, {"admin", "buyer"}, {"buyer"}}},
		"tests that give up":   {map[string]int{"admin": 4}, 10 * time.Second, 2 * time.Minute, [][]string{{"admin"}}},
		"more than enough":     {map[string]int{"admin": 20}, 10 * time.Second, patient, [][]string{{"admin"}}},
	} {
		for seed := range uint64(3) {
			t.Run(fmt.Sprint(name, seed), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					day := newDay(rand.New(rand.NewPCG(seed, 1)), 400, test.gap, 40*time.Second, test.patience, test.wants)
					farm, lives := liveThrough(t, test.users, day)
					advice, err := farm.Advice(t.Context(), ports.AdviceQuery{})
					if err != nil {
						t.Fatal(err)
					}
					if advice.Claims != len(day) || advice.Cut || len(advice.Wants) == 0 {
						t.Fatalf("the advice is of %d claims, want %d", advice.Claims, len(day))
					}
					for _, want := range advice.Wants {
						really := waitsFor(want.Labels, day, lives)
						// Which of the free users a test got first is not on record, and makes a difference where wants overlap.
						if now := want.At(want.Users); !near(now.P95, really.P95, 3) || !near(now.P50, really.P50, 3) || !near(want.Measured.P95, really.P95, 100) {
							t.Errorf("%v: with %d users, p50 and p95 were %v, and %v are replayed; %v are measured",
								want.Labels, want.Users, really, now, want.Measured)
						}
						users, promised := maps.Clone(test.users), want.At(want.Enough)
						switch role := want.Labels["role"]; {
						case want.Reached && role != "":
							users[role] = want.Enough
						case len(want.Together.More) > 0 && role != "":
							promised = want.Together.Waits
							together++
							for _, more := range want.Together.More {
								users[more.Labels["role"]] += more.Users
							}
						default:
							continue
						}
						_, lives := liveThrough(t, users, day)
						kept := waitsFor(want.Labels, day, lives)
						isKept := near(promised.P50, kept.P50, 10) && near(promised.P95, kept.P95, 10)
						if really.GaveUp > 0 { // it is not on record how long these would have held their users
							isKept = kept.P95 < advice.Target && kept.GaveUp*100 <= len(day)
						}
						if !isKept {
							t.Errorf("%s\nwith %v, p50 and p95 are promised as %v, and are %v", want.Sentence(advice.Target), users, promised, kept)
						}
						if kept.P95 >= advice.Target+time.Second || promised.P95 >= advice.Target {
							t.Errorf("%s\nwith %v, p95 is %v", want.Sentence(advice.Target), users, kept.P95)
						}
					}
				})
			})
		}
	}
	if together == 0 {
		t.Error("no advice was about users of several wants")
	}
}
