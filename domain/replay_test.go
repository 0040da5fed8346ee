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
			waits[i] = now.Sub(d.Claims[i].Came)
			for k, u := range got {
				out = append(out, held{u, now.Add(modelHold(d, i, k))})
				free = slices.DeleteFunc(free, func(other *domain.User) bool { return other.ID() == u.ID() })
			}
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
	last := d.Claims[len(d.Claims)-1].Came
	end := last.Add(time.Duration(len(d.Claims)+1) * 1000 * time.Second)
	next := 0
	gaveUp := func(i int) bool { return d.Claims[i].GaveUp }
	goesOn := func() bool {
		return next < len(d.Claims) || len(line) > 0 && (len(out) > 0 || slices.ContainsFunc(line, gaveUp))
	}
	for now := noon; !now.After(end) && goesOn(); now = now.Add(time.Second) {
		comeBack(now)
		line = slices.DeleteFunc(line, func(i int) bool {
			return d.Claims[i].GaveUp && !d.Claims[i].Came.Add(d.Claims[i].Waited).After(now)
		})
		serve(now)
		comeBack(now)
		for ; next < len(d.Claims) && d.Claims[next].Came.Equal(now); next++ {
			line = append(line, next)
			serve(now)
			comeBack(now)
			if c := d.Claims[next]; c.GaveUp && c.Waited == 0 {
				line = slices.DeleteFunc(line, func(i int) bool { return i == next })
				serve(now)
			}
		}
	}
	return waits
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
