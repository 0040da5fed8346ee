package domain_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/userfarm/userfarm/domain"
)

func TestABroadSelectorTakesNoUserThatAnotherOneNeeds(t *testing.T) {
	admins := domain.Selector{Labels: domain.Labels{"role": "admin"}}
	anyone := domain.Selector{}
	users := []*domain.User{
		newUser("root", domain.Labels{"role": "admin"}),
		newUser("boss", domain.Labels{"role": "admin"}),
		newUser("ann", nil),
	}
	for _, want := range [][]domain.Selector{{admins, admins, anyone}, {admins, anyone, admins}, {anyone, admins, admins}} {
		picked, missing := domain.Assign(want, users)
		if len(missing) > 0 {
			t.Fatalf("%v: selectors %v got no user", want, missing)
		}
		for i, s := range want {
			if !s.Matches(picked[i]) {
				t.Errorf("selector %d got a user that does not match", i)
			}
		}
	}
	if _, missing := domain.Assign([]domain.Selector{admins, admins, admins, anyone}, users); len(missing) != 1 {
		t.Errorf("missing = %v, want one of the three that want an admin", missing)
	}
}

func TestTheMostRestedUserGoesFirst(t *testing.T) {
	never, first, second, expired, held := newUser("never", nil), newUser("first", nil), newUser("second", nil), newUser("expired", nil), newUser("held", nil)
	for i, u := range []*domain.User{first, second} {
		must(t, u.LockOpen(noon, 0))
		must(t, u.ReleaseOpen(noon.Add(time.Duration(2*i+1)*time.Minute)))
	}
	grant(t, noon, 2*time.Minute, expired)
	must(t, held.LockOpen(noon, 0))
	want := []*domain.User{never, first, expired, second, held}
	shuffled := slices.Concat(want, want)
	rand.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	if got := domain.MostRested(shuffled); !slices.Equal(logins(got), logins(want)) {
		t.Errorf("order = %v, want %v", logins(got), logins(want))
	}
}

// The test compares Assign with all possible assignments. It serves as many selectors as possible, with the most rested
// users. With k candidates for each selector the result is the same as with all users.
func TestAssignIsTheBestOfAllAssignments(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		users := make([]*domain.User, 1+random.IntN(6))
		for i := range users {
			users[i] = newUser(fmt.Sprint(i), domain.Labels{"a": fmt.Sprint(random.IntN(2)), "b": fmt.Sprint(random.IntN(2))})
			must(t, users[i].LockOpen(noon, 0))
			must(t, users[i].ReleaseOpen(noon.Add(time.Duration(i)*time.Second)))
		}
		want := make([]domain.Selector, 1+random.IntN(4))
		for i := range want {
			switch random.IntN(4) {
			case 0:
				want[i].Labels = domain.Labels{"a": fmt.Sprint(random.IntN(2))}
			case 1:
				want[i].Labels = domain.Labels{"b": fmt.Sprint(random.IntN(2))}
			case 2:
				want[i].UserID = users[random.IntN(len(users))].ID()
			}
		}
		best := bestAssignment(want, users)
		for name, candidates := range map[string][]*domain.User{"all": users, "k of each": kOfEach(want, users)} {
			picked, missing := domain.Assign(want, candidates)
			got := used(t, want, picked)
			if len(got)+len(missing) != len(want) || !slices.Equal(got, best) {
				t.Fatalf("%s: used %v, missing %v; the best is %v", name, got, missing, best)
			}
		}
	}
}

// bestAssignment tries all assignments, and returns the logins of the best one: the most users, then the most rested. The
// logins are numbers in the order of rest.
func bestAssignment(want []domain.Selector, users []*domain.User) []string {
	if len(want) == 0 {
		return nil
	}
	best := bestAssignment(want[1:], users) // the first selector gets no user
	for i, u := range users {
		if !want[0].Matches(u) {
			continue
		}
		rest := slices.Delete(slices.Clone(users), i, i+1)
		found := append(bestAssignment(want[1:], rest), u.View(noon).Login)
		slices.Sort(found)
		if len(found) > len(best) || len(found) == len(best) && slices.Compare(found, best) < 0 {
			best = found
		}
	}
	return best
}

func kOfEach(want []domain.Selector, users []*domain.User) (candidates []*domain.User) {
	for _, s := range want {
		k := len(want)
		for _, u := range users { // from the most rested on
			if k > 0 && s.Matches(u) {
				candidates = append(candidates, u)
				k--
			}
		}
	}
	return candidates
}

func used(t *testing.T, want []domain.Selector, picked []*domain.User) []string {
	t.Helper()
	var got []string
	for i, u := range picked {
		if u == nil {
			continue
		}
		if !want[i].Matches(u) {
			t.Fatalf("selector %d got a user that does not match", i)
		}
		got = append(got, u.View(noon).Login)
	}
	slices.Sort(got)
	if len(slices.Compact(slices.Clone(got))) != len(got) {
		t.Fatalf("a user was given twice: %v", got)
	}
	return got
}

func logins(users []*domain.User) []string {
	var names []string
	for _, u := range users {
		names = append(names, u.View(noon).Login)
	}
	return names
}
