package domain_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/userfarm/userfarm/domain"
)

// role returns a selector, and users that it matches.
func role(name string) domain.Selector { return domain.Selector{Labels: labelled("r=" + name)} }

func inRole(name string, users int) domain.Alike {
	return domain.Alike{Labels: labelled("r=" + name), Users: users}
}

func TestAdviceNamesAllUsersThatAreShortTogether(t *testing.T) {
	// Each claim holds its users for ten seconds, and one comes every second.
	every := func(want ...domain.Selector) (d domain.Demand) {
		d.Pool = domain.Pool{Env: "stage", Domain: "shop"}
		for i := range 100 {
			d.Claims = append(d.Claims, past(i, 10, want...))
		}
		return d
	}
	impatientAfter := func(d domain.Demand, waited int) domain.Demand {
		for i, claim := range d.Claims {
			if i%2 == 1 {
				d.Claims[i] = impatient(i, waited, claim.Want...)
			}
		}
		return d
	}
	for name, test := range map[string]struct {
		demand domain.Demand
		users  []domain.Alike
		want   string // for buyers
	}{
		"both are short": {
			every(role("buyer"), role("admin")), []domain.Alike{inRole("admin", 1), inRole("buyer", 2)},
			"8 more r=buyer accounts and 9 more r=admin accounts in stage, shop, together would bring p95 from 14 min 6 s to under 1 s.",
		},
		"only the others are short": {
			every(role("buyer"), role("admin")), []domain.Alike{inRole("admin", 9), inRole("buyer", 12)},
			"1 more r=admin account in stage, shop, which the same claims need, would bring p95 from 10 s to under 1 s.",
		},
		"three are short": {
			every(role("admin"), role("buyer"), role("seller")), []domain.Alike{inRole("admin", 9), inRole("buyer", 8), inRole("seller", 7)},
			"2 more r=buyer accounts, 1 more r=admin account and 3 more r=seller accounts in stage, shop, together would bring p95 from 39 s to under 1 s.",
		},
		"there are none of two": {
			every(role("admin"), role("buyer")), nil,
			"10 more r=buyer accounts and 10 more r=admin accounts in stage, shop, together would bring p95 under 1 s; without them, no claim would get its users.",
		},
		"claims give up": {
			impatientAfter(every(role("admin"), role("buyer")), 0), []domain.Alike{inRole("admin", 5), inRole("buyer", 5)},
			"5 more r=buyer accounts and 5 more r=admin accounts in stage, shop, together would bring p95 from 4 s (and 48 of 100 claims give up) to under 1 s.",
		},
		"one is short, and enough alone": {
			every(role("admin"), role("buyer")), []domain.Alike{inRole("admin", 12), inRole("buyer", 9)},
			"1 more r=buyer account in stage, shop would bring p95 from 10 s to under 1 s.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, w := range domain.Advise(test.demand, test.users, time.Second) {
				if w.Labels["r"] != "buyer" {
					continue
				}
				if w.Reached && len(w.Together.More) > 0 {
					t.Errorf("%d are enough, and yet more are needed together: %+v", w.Enough, w.Together)
				}
				if got := w.Sentence(time.Second); got != test.want {
					t.Errorf("it says\n\t%q, want\n\t%q", got, test.want)
				}
			}
		})
	}
}

// No fewer of one kind would be enough, and no other way to add users needs far fewer.
func TestUsersThatAreEnoughTogetherAreFew(t *testing.T) {
	const target = 5 * time.Second
	found := 0
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 7))
		var d domain.Demand
		came := 0
		for range 60 {
			came += random.IntN(4)
			want := [][]domain.Selector{{role("a"), role("b")}, {role("a"), role("b")}, {role("a")}, {role("b"), {}}}[random.IntN(4)]
			d.Claims = append(d.Claims, past(came, 1+random.IntN(9), want...))
		}
		users := []domain.Alike{inRole("a", 1+random.IntN(2)), inRole("b", 1+random.IntN(2))}
		enough := func(labels domain.Labels, a, b int) bool {
			more := []domain.Alike{inRole("a", a), inRole("b", b)}
			if labels["r"] == "b" {
				slices.Reverse(more) // the order makes a difference to a claim of any user
			}
			var waits []time.Duration
			for i, wait := range d.Replay(append(slices.Clone(users), more...)) {
				wants := func(s domain.Selector) bool { return s.Labels["r"] == labels["r"] }
				if !slices.ContainsFunc(d.Claims[i].Want, wants) {
					continue
				}
				if wait == domain.Unserved {
					return false
				}
				waits = append(waits, wait)
			}
			slices.Sort(waits)
			return domain.Percentile(waits, 95) < target
		}
		for _, w := range domain.Advise(d, users, target) {
			more := map[string]int{}
			for _, m := range w.Together.More {
				more[m.Labels["r"]] = m.Users
			}
			if len(more) == 0 || len(w.Labels) == 0 || more[""] > 0 {
				continue // users without labels are not what this test counts, nor what else would help claims of any users
			}
			found++
			a, b := more["a"], more["b"]
			if !enough(w.Labels, a, b) || a > 0 && enough(w.Labels, a-1, b) || b > 0 && enough(w.Labels, a, b-1) {
				t.Errorf("seed %d: %d more a and %d more b are said to be enough for %v", seed, a, b, w.Labels)
			}
			fewer := a + b - 2
			for i := range fewer + 1 {
				if enough(w.Labels, i, fewer-i) {
					t.Errorf("seed %d: %d more a and %d more b are advised for %v, and %d and %d are enough", seed, a, b, w.Labels, i, fewer-i)
				}
			}
		}
	}
	if found < 25 {
		t.Errorf("users are short together %d times only", found)
	}
}
