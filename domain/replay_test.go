package domain_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/userfarm/userfarm/domain"
)

// labelled returns the labels a=b and so on, of texts like "a=b".
func labelled(pairs ...string) domain.Labels {
	labels := domain.Labels{}
	for _, pair := range pairs {
		labels[pair[:1]] = pair[2:]
	}
	return labels
}

// past returns a claim that came so many seconds after noon, and held each of its users for so long.
func past(came, held int, want ...domain.Selector) domain.PastClaim {
	return domain.PastClaim{
		Came: noon.Add(time.Duration(came) * time.Second), Want: want,
		Held: slices.Repeat([]time.Duration{time.Duration(held) * time.Second}, len(want)),
	}
}

// impatient returns a claim that gave up after so many seconds.
func impatient(came, waited int, want ...domain.Selector) domain.PastClaim {
	return domain.PastClaim{
		Came: noon.Add(time.Duration(came) * time.Second), Want: want, Waited: time.Duration(waited) * time.Second, GaveUp: true,
	}
}

// by returns a claim of an owner that had waited for so many seconds.
func by(owner string, waited int, c domain.PastClaim) domain.PastClaim {
	c.Owner, c.Waited = owner, time.Duration(waited)*time.Second
	return c
}

func TestReplay(t *testing.T) {
	anyUser, admin := domain.Selector{}, domain.Selector{Labels: labelled("r=admin")}
	plain := func(n int) domain.Alike { return domain.Alike{Users: n} }
	admins := func(n int) domain.Alike { return domain.Alike{Labels: labelled("r=admin"), Users: n} }
	const never = -1
	for name, test := range map[string]struct {
		users  []domain.Alike
		claims []domain.PastClaim
		want   []int // the waits, in seconds
	}{
		"nobody waits while users are free": {
			[]domain.Alike{plain(2)}, []domain.PastClaim{past(0, 10, anyUser), past(1, 10, anyUser)}, []int{0, 0},
		},
		"the line is served in order, as users come back": {
			[]domain.Alike{plain(1)}, []domain.PastClaim{past(0, 10, anyUser), past(1, 10, anyUser), past(2, 10, anyUser)}, []int{0, 9, 18},
		},
		"a user comes back before a claim that comes at the same time": {
			[]domain.Alike{plain(1)}, []domain.PastClaim{past(0, 10, anyUser), past(10, 10, anyUser)}, []int{0, 0},
		},
		"a broad claim takes the most rested user": {
			[]domain.Alike{plain(1), admins(1)},
			[]domain.PastClaim{past(0, 1, admin), past(2, 10, anyUser), past(3, 10, admin)}, []int{0, 0, 0},
		},
		"a claim of several waits for all, and keeps what it has from later claims": {
			[]domain.Alike{plain(2)},
			[]domain.PastClaim{past(0, 10, anyUser), past(1, 10, anyUser, anyUser), past(2, 10, anyUser)}, []int{0, 9, 18},
		},
		"one that gave up gets no users later": {
			[]domain.Alike{plain(1)}, []domain.PastClaim{past(0, 10, anyUser), impatient(1, 5, anyUser), past(2, 10, anyUser)}, []int{0, never, 8},
		},
		"one that gave up would have held users for as long as others": {
			[]domain.Alike{plain(1)}, []domain.PastClaim{past(0, 10, anyUser), impatient(1, 9, anyUser), past(2, 10, anyUser)}, []int{0, 9, 18},
		},
		"one that gives up lets go of what was kept for it": {
			[]domain.Alike{plain(2)},
			[]domain.PastClaim{past(0, 20, anyUser), impatient(1, 5, anyUser, anyUser), past(2, 10, anyUser)}, []int{0, never, 4},
		},
		"what no user is for is never served, and holds up nobody": {
			[]domain.Alike{plain(1)}, []domain.PastClaim{past(0, 10, admin), past(1, 10, anyUser)}, []int{never, 0},
		},
		"a worker that waits less asks again sooner": {
			[]domain.Alike{plain(2)}, []domain.PastClaim{
				by("a", 0, past(0, 10, anyUser)), by("b", 10, past(0, 10, anyUser)), by("c", 19, past(1, 10, anyUser)), // with one user
				by("a", 20, past(10, 10, anyUser)), by("b", 18, past(22, 10, anyUser)),
			}, []int{0, 0, 9, 0, 8}, // b asks again after 12 seconds, and a after 10
		},
		"a worker that waits longer asks again later": {
			[]domain.Alike{plain(1)}, []domain.PastClaim{
				by("a", 0, past(0, 10, anyUser)), by("b", 0, past(0, 10, anyUser)), by("b", 0, past(12, 10, anyUser)), past(30, 10, anyUser),
			}, []int{0, 10, 0, 2}, // b asks again after 22 seconds
		},
		"a worker that gave up asks again after its patience": {
			[]domain.Alike{plain(1)}, []domain.PastClaim{
				by("a", 0, past(0, 30, anyUser)), by("b", 5, impatient(1, 5, anyUser)), by("b", 24, past(6, 10, anyUser)),
			}, []int{0, never, 24},
		},
		"an owner of several claims at a time is no worker": {
			[]domain.Alike{plain(2)}, []domain.PastClaim{
				by("ci", 0, past(0, 10, anyUser)), by("ci", 10, past(0, 10, anyUser)), by("ci", 0, past(20, 10, anyUser)),
			}, []int{0, 0, 0},
		},
		"what comes more than a minute later belongs to another run": {
			[]domain.Alike{plain(2)}, []domain.PastClaim{
				by("a", 50, past(0, 10, anyUser)), by("a", 0, past(121, 10, anyUser)), past(125, 10, anyUser), past(125, 10, anyUser),
			}, []int{0, 0, 0, 6},
		},
		"without users, nobody is served": {nil, []domain.PastClaim{past(0, 10, anyUser)}, []int{never}},
		"without any hold that is known, users are held for the default time to live": {
			[]domain.Alike{plain(1)}, []domain.PastClaim{impatient(0, 5, anyUser), impatient(1, 900, anyUser), impatient(2, 900, anyUser)},
			[]int{0, 899, never},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var want []time.Duration
			for _, seconds := range test.want {
				wait := domain.Unserved
				if seconds != never {
					wait = time.Duration(seconds) * time.Second
				}
				want = append(want, wait)
			}
			if got := (domain.Demand{Claims: test.claims}).Replay(test.users); !slices.Equal(got, want) {
				t.Errorf("the waits are %v, want %v", got, want)
			}
		})
	}
}

// The model looks at the whole line and at all users whenever something happens.
func TestReplayIsWhatServeDoesWithAllUsersAndTheWholeLine(t *testing.T) {
	wanted := []domain.Labels{nil, labelled("a=0"), labelled("a=1"), labelled("b=0"), labelled("a=0", "b=0")}
	owned := []domain.Labels{nil, labelled("a=0"), labelled("a=1", "c=9"), labelled("a=0", "b=0"), labelled("b=0"), labelled("a=1", "b=1")}
	for seed := range uint64(3000) {
		random := rand.New(rand.NewPCG(seed, 1))
		ended := make(map[string]int) // when each worker may ask again
		users := make([]domain.Alike, random.IntN(5))
		for i := range users {
			users[i] = domain.Alike{Labels: owned[random.IntN(len(owned))], Users: random.IntN(4)}
		}
		var d domain.Demand
		came := 0
		for range 1 + random.IntN(25) {
			came += random.IntN(5)
			var want []domain.Selector
			for range []int{1, 1, 1, 2, 3}[random.IntN(5)] {
				want = append(want, domain.Selector{Labels: wanted[random.IntN(len(wanted))]})
			}
			claim := past(came, 0, want...)
			for i := range claim.Held {
				claim.Held[i] = time.Duration(random.IntN(13)) * time.Second
			}
			if random.IntN(5) == 0 {
				claim = impatient(came, random.IntN(11), want...)
			}
			if worker := fmt.Sprint("worker ", random.IntN(4)); ended[worker] <= came {
				claim.Owner = worker
				end := claim.Waited
				if !claim.GaveUp {
					end = slices.Max(claim.Held)
				}
				ended[worker] = came + int(end.Seconds())
			}
			d.Claims = append(d.Claims, claim)
		}
		if got, want := d.Replay(users), modelReplay(d, users); !slices.Equal(got, want) {
			t.Fatalf("seed %d: the waits are %v, want %v", seed, got, want)
		}
	}
}

// modelReplay is a plain simulation in steps of one second.
func modelReplay(d domain.Demand, users []domain.Alike) []time.Duration {
	type held struct {
		user  *domain.User
		until time.Time
	}
	waits := slices.Repeat([]time.Duration{domain.Unserved}, len(d.Claims))
	came := make([]time.Time, len(d.Claims)) // zero before the claim before of the same worker has ended
	for i, c := range d.Claims {
		if modelBefore(d, i) < 0 {
			came[i] = c.Came
		}
	}
	end := func(i int, at time.Time) { // lets the next claim of the worker come
		for next := i + 1; next < len(d.Claims); next++ {
			if modelBefore(d, next) == i {
				came[next] = at.Add(d.Claims[next].Came.Sub(modelEnd(d.Claims[i])))
			}
		}
	}
	var free []*domain.User
	for i, alike := range users {
		for range alike.Users {
			id := domain.UserID{14: byte(i), 15: byte(len(free))}
			free = append(free, domain.Restore(domain.Snapshot{ID: id, Labels: alike.Labels}))
		}
	}
	var out []held
	var line []int
	serve := func(now time.Time) {
		var want [][]domain.Selector
		for _, i := range line {
			want = append(want, d.Claims[i].Want)
		}
		var left []int
		for at, got := range domain.Serve(want, free) {
			i := line[at]
			if got == nil {
				left = append(left, i)
				continue
			}
			waits[i] = now.Sub(came[i])
			longest := time.Duration(0)
			for k, u := range got {
				longest = max(longest, modelHold(d, i, k))
				out = append(out, held{u, now.Add(modelHold(d, i, k))})
				free = slices.DeleteFunc(free, func(other *domain.User) bool { return other.ID() == u.ID() })
			}
			end(i, now.Add(longest))
		}
		line = left
	}
	comeBack := func(now time.Time) {
		for {
			slices.SortFunc(out, func(a, b held) int {
				return cmp.Or(a.until.Compare(b.until), cmp.Compare(a.user.ID().String(), b.user.ID().String()))
			})
			if len(out) == 0 || out[0].until.After(now) {
				return
			}
			s := out[0].user.Snapshot()
			s.ReleasedAt = out[0].until
			free = append(free, domain.Restore(s))
			out = out[1:]
			serve(now)
		}
	}
	giveUp := func(now time.Time) {
		line = slices.DeleteFunc(line, func(i int) bool {
			if !d.Claims[i].GaveUp || came[i].Add(d.Claims[i].Waited).After(now) {
				return false
			}
			end(i, now)
			return true
		})
	}
	begun := make([]bool, len(d.Claims))
	next := func(now time.Time, follows bool) int {
		for i := range d.Claims {
			if !begun[i] && came[i].Equal(now) && (modelBefore(d, i) >= 0) == follows {
				return i
			}
		}
		return -1
	}
	goesOn := func() bool {
		toCome := false
		for i, at := range came {
			toCome = toCome || !begun[i] && !at.IsZero()
		}
		return toCome || len(out) > 0 || slices.ContainsFunc(line, func(i int) bool { return d.Claims[i].GaveUp })
	}
	for now := noon; goesOn(); now = now.Add(time.Second) {
		comeBack(now)
		giveUp(now)
		serve(now)
		comeBack(now)
		for {
			i := next(now, true)
			if i < 0 {
				i = next(now, false)
			}
			if i < 0 {
				break
			}
			begun[i] = true
			line = append(line, i)
			serve(now)
			comeBack(now)
			giveUp(now)
			serve(now)
			comeBack(now)
		}
	}
	return waits
}

// modelBefore returns the claim that the same worker had before, if the next one follows it; -1 if there is none.
func modelBefore(d domain.Demand, i int) int {
	before := -1
	for k, c := range d.Claims[:i] {
		if c.Owner != "" && c.Owner == d.Claims[i].Owner {
			before = k
		}
	}
	if before >= 0 && d.Claims[i].Came.Sub(modelEnd(d.Claims[before])) > time.Minute {
		return -1
	}
	return before
}

func modelEnd(c domain.PastClaim) time.Time {
	if c.GaveUp {
		return c.Came.Add(c.Waited)
	}
	return c.Came.Add(c.Waited + slices.Max(c.Held))
}

// modelHold is how long the k-th user of a claim is held.
func modelHold(d domain.Demand, i, k int) time.Duration {
	claim := d.Claims[i]
	if !claim.GaveUp {
		return claim.Held[k]
	}
	name := func(c domain.PastClaim) string { return fmt.Sprint(c.Want) }
	same := func(c domain.PastClaim) bool { return !c.GaveUp && name(c) == name(claim) }
	for before := i - 1; before >= 0; before-- {
		if same(d.Claims[before]) {
			return d.Claims[before].Held[0]
		}
	}
	if after := slices.IndexFunc(d.Claims, same); after >= 0 {
		return d.Claims[after].Held[0]
	}
	var all []time.Duration
	for _, other := range d.Claims {
		if !other.GaveUp {
			all = append(all, other.Held...)
		}
	}
	if len(all) == 0 {
		return domain.DefaultTTL
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// A claim can't use more users than it wants. Those that no claim could get cost nothing, so that advice costs as little for a large pool.
func TestReplayCostsNoMoreForUsersThatNobodyCouldGet(t *testing.T) {
	anyUser, admin := domain.Selector{}, domain.Selector{Labels: labelled("r=admin")}
	demand := domain.Demand{Claims: []domain.PastClaim{past(0, 9, anyUser), past(1, 9, admin, anyUser), past(2, 9, anyUser, anyUser)}}
	replay := func(users int) ([]time.Duration, float64) {
		stock := []domain.Alike{{Users: users}, {Labels: labelled("r=admin"), Users: users}}
		return demand.Replay(stock), testing.AllocsPerRun(1, func() { demand.Replay(stock) })
	}
	few, fewAllocs := replay(5)
	many, manyAllocs := replay(1_000_000)
	if !slices.Equal(few, many) || manyAllocs > fewAllocs {
		t.Errorf("with 5 users of each kind: %v, %v allocations; with a million: %v, %v", few, fewAllocs, many, manyAllocs)
	}
}
