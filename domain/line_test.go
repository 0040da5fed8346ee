package domain_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/userfarm/userfarm/domain"
)

var (
	wantAnyone = domain.Selector{}
	wantAdmin  = domain.Selector{Labels: domain.Labels{"role": "admin"}}
	wantPlain  = domain.Selector{Labels: domain.Labels{"role": "plain"}}
)

func newAdmin(login string) *domain.User { return newUser(login, domain.Labels{"role": "admin"}) }
func newPlain(login string) *domain.User { return newUser(login, domain.Labels{"role": "plain"}) }

func TestTheFirstClaimIsServedFirst(t *testing.T) {
	wantServed(t, [][]domain.Selector{{wantAnyone}, {wantAnyone}, {wantAnyone}},
		[]*domain.User{newPlain("ann"), newPlain("bob")}, true, true, false)
}

func TestUsersAreReservedForAClaimThatNeedsMore(t *testing.T) {
	batch := []domain.Selector{wantAnyone, wantAnyone, wantAnyone}
	ann, bob, cid := newPlain("ann"), newPlain("bob"), newPlain("cid")
	line := [][]domain.Selector{batch, {wantAnyone}}
	wantServed(t, line, []*domain.User{ann}, false, false)
	wantServed(t, line, []*domain.User{ann, bob}, false, false)
	wantServed(t, line, []*domain.User{ann, bob, cid}, true, false)
	wantServed(t, line, []*domain.User{ann, bob, cid, newPlain("dan")}, true, true)
}

func TestAClaimLeavesAUserToALaterClaimThatNeedsIt(t *testing.T) {
	root, ann := newAdmin("root"), newPlain("ann")
	for _, free := range [][]*domain.User{{root, ann}, {ann, root}} {
		served := wantServed(t, [][]domain.Selector{{wantAnyone}, {wantAdmin}}, free, true, true)
		if served[0][0] != ann || served[1][0] != root {
			t.Errorf("served %v and %v", logins(served[0]), logins(served[1]))
		}
	}
	served := wantServed(t, [][]domain.Selector{{wantAnyone}, {wantAdmin}}, []*domain.User{root}, true, false)
	if served[0][0] != root {
		t.Error("the first claim did not get the only user")
	}
}

func TestAClaimThatNeedsOtherUsersIsServedBeforeEarlierClaims(t *testing.T) {
	wantServed(t, [][]domain.Selector{{wantAdmin}, {wantAdmin, wantPlain}, {wantPlain}, {wantPlain}},
		[]*domain.User{newPlain("ann"), newPlain("bob")}, false, false, true, false)
}

func TestNoClaimIsServedIfNoUserIsFree(t *testing.T) {
	wantServed(t, [][]domain.Selector{{wantAnyone}, {wantAdmin, wantAnyone}}, nil, false, false)
	wantServed(t, nil, []*domain.User{newPlain("ann")})
}

func TestAClaimAloneInLineGetsTheUsersOfAssign(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	for range 1000 {
		free := restedUsers(t, random)
		want := wishes(random, free, 4)
		assigned, missing := domain.Assign(want, free)
		if len(missing) > 0 {
			assigned = nil
		}
		if got := domain.Serve([][]domain.Selector{want}, free)[0]; !slices.Equal(got, assigned) {
			t.Fatalf("served %v, and Assign gives %v", logins(got), logins(assigned))
		}
	}
}

// The test compares Serve with all possible ways to distribute the users. Each claim in line, one after the other, gets or
// reserves as many users as the earlier claims leave for it. It is served if these are enough, with the most rested users.
func TestServeIsTheBestOfAllWays(t *testing.T) {
	random := rand.New(rand.NewPCG(9, 10))
	for range 2000 {
		free := restedUsers(t, random)
		line := make([][]domain.Selector, 1+random.IntN(4))
		var all []domain.Selector
		for i := range line {
			line[i] = wishes(random, free, 3)
			all = append(all, line[i]...)
		}
		best := bestCounts(line, free)
		want := make([]bool, len(line))
		complete := true
		for i := range line {
			want[i] = best[i] == len(line[i])
			complete = complete && (want[i] || best[i] == 0)
		}
		served := wantServed(t, line, free, want...)
		if complete {
			all = all[:0]
			for i := range line {
				if want[i] {
					all = append(all, line[i]...)
				}
			}
			if got, want := used(t, all, slices.Concat(served...)), bestAssignment(all, free); !slices.Equal(got, want) {
				t.Fatalf("used %v, the most rested are %v", got, want)
			}
		}
	}
}

// wantServed fails the test unless exactly these claims are served, with different users that match.
func wantServed(t *testing.T, line [][]domain.Selector, free []*domain.User, want ...bool) [][]*domain.User {
	t.Helper()
	served := domain.Serve(line, free)
	if len(served) != len(line) {
		t.Fatalf("%d answers to %d in line", len(served), len(line))
	}
	var selectors []domain.Selector
	for i := range line {
		if got := served[i] != nil; got != want[i] {
			t.Fatalf("served %d of %+v: %t, want %t", i, line, got, want[i])
		}
		if served[i] == nil {
			continue
		}
		if len(served[i]) != len(line[i]) || slices.Contains(served[i], nil) {
			t.Fatalf("%d got %d users for %d selectors", i, len(served[i]), len(line[i]))
		}
		selectors = append(selectors, line[i]...)
	}
	used(t, selectors, slices.Concat(served...))
	return served
}

// restedUsers returns a few users. Their logins are numbers in the order of rest.
func restedUsers(t *testing.T, random *rand.Rand) []*domain.User {
	t.Helper()
	users := make([]*domain.User, random.IntN(6))
	for i := range users {
		users[i] = newUser(fmt.Sprint(i), domain.Labels{"a": fmt.Sprint(random.IntN(2)), "b": fmt.Sprint(random.IntN(2))})
		must(t, users[i].LockOpen(noon, 0))
		must(t, users[i].ReleaseOpen(noon.Add(time.Duration(i)*time.Second)))
	}
	return users
}

// wishes returns up to n selectors. Some of them match users.
func wishes(random *rand.Rand, users []*domain.User, n int) []domain.Selector {
	want := make([]domain.Selector, 1+random.IntN(n))
	for i := range want {
		switch random.IntN(4) {
		case 0:
			want[i].Labels = domain.Labels{"a": fmt.Sprint(random.IntN(3))}
		case 1:
			want[i].Labels = domain.Labels{"b": fmt.Sprint(random.IntN(2))}
		case 2:
			if len(users) > 0 {
				want[i].UserID = users[random.IntN(len(users))].ID()
			}
		}
	}
	return want
}

// bestCounts tries all ways to give users to selectors, and returns how many users each claim has in the best one, in which
// earlier claims come first.
func bestCounts(line [][]domain.Selector, users []*domain.User) []int {
	best := make([]int, len(line))
	counts := make([]int, len(line))
	var try func(i, j int, users []*domain.User)
	try = func(i, j int, users []*domain.User) {
		if i == len(line) {
			if slices.Compare(counts, best) > 0 {
				copy(best, counts)
			}
			return
		}
		if j == len(line[i]) {
			try(i+1, 0, users)
			return
		}
		try(i, j+1, users)
		for k, u := range users {
			if line[i][j].Matches(u) {
				counts[i]++
				try(i, j+1, slices.Delete(slices.Clone(users), k, k+1))
				counts[i]--
			}
		}
	}
	try(0, 0, users)
	return best
}
