package domain_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/userfarm/userfarm/domain"
)

// busy returns a demand for admins in which ten come every minute, and hold a user for five minutes: at least 50 are needed.
func busy(claims int) domain.Demand {
	d := domain.Demand{Pool: domain.Pool{Env: "stage", Domain: "shop"}}
	for i := range claims {
		d.Claims = append(d.Claims, past(6*i, 300, domain.Selector{Labels: labelled("r=admin")}))
	}
	return d
}

func admins(users int) []domain.Alike {
	return []domain.Alike{{Labels: labelled("r=admin"), Users: users, Quarantined: 1}, {Users: 7}}
}

func TestAFewClaimsDoNotSayThatUsersCouldGo(t *testing.T) {
	for claims, want := range map[int]string{
		1:  "The 60 r=admin accounts in stage, shop are enough: p95 is under 10 s. 1 claim is too few to say whether some could go.",
		99: "The 60 r=admin accounts in stage, shop are enough: p95 is under 10 s. 99 claims are too few to say whether some could go.",
	} {
		advice := domain.Advise(busy(claims), admins(60), 10*time.Second)[0]
		if got := advice.Sentence(10 * time.Second); got != want || advice.SaysEnough() {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestTheSentencesOfSeveralProjectsNameThem(t *testing.T) {
	one := domain.Advise(busy(1), admins(60), 10*time.Second)[0]
	one.Pool.ProjectID = domain.ProjectID{1}
	named, other := one, one
	named.Project, other.Pool.ProjectID = "Shop", domain.ProjectID{2}
	for want, about := range map[string][]domain.WantAdvice{
		"The 60 r=admin accounts in stage, shop are enough":                                               {one},
		"The 60 r=admin accounts in stage, shop, project 01000000-0000-0000-0000-000000000000 are enough": {one, other},
		"The 60 r=admin accounts in stage, shop, project Shop are enough":                                 {named, other},
	} {
		advice := domain.Advice{Target: 10 * time.Second, Wants: about}
		if got := advice.Sentence(about[0]); !strings.HasPrefix(got, want+":") {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestAdviceFindsTheSmallestNumberThatIsEnough(t *testing.T) {
	for name, test := range map[string]struct {
		users   int
		target  time.Duration
		enough  int
		reached bool
		want    string
	}{
		"with too few":        {48, 10 * time.Second, 50, true, "2 more r=admin accounts in stage, shop, project Web would bring p95 from 1 min 24 s to under 10 s."},
		"with just enough":    {50, 10 * time.Second, 50, true, "The 50 r=admin accounts in stage, shop, project Web are just enough: p95 is under 10 s."},
		"with more":           {60, 10 * time.Second, 50, true, "10 of the 60 r=admin accounts in stage, shop, project Web could go, and p95 would stay under 10 s."},
		"without any":         {0, time.Hour, 19, true, "19 more r=admin accounts in stage, shop, project Web would bring p95 under 1 h; with 0, no claim would get its users."},
		"for a larger target": {40, 90 * time.Second, 48, true, "8 more r=admin accounts in stage, shop, project Web would bring p95 from 9 min to under 1 min 30 s."},
	} {
		t.Run(name, func(t *testing.T) {
			advice := domain.Advise(busy(400), admins(test.users), test.target)
			if len(advice) != 1 {
				t.Fatalf("there is advice for %d wants, want one: %+v", len(advice), advice)
			}
			w := advice[0]
			w.Project = "Web"
			if w.Enough != test.enough || w.Reached != test.reached || w.Users != test.users || w.Quarantined != 1 || w.Claims != 400 {
				t.Errorf("got %+v", w)
			}
			if got := w.Sentence(test.target); got != test.want {
				t.Errorf("it says %q, want %q", got, test.want)
			}
			if len(w.Curve) > 15 || !slices.IsSortedFunc(w.Curve, func(a, b domain.SizeWaits) int { return a.Users - b.Users }) {
				t.Errorf("the curve is %+v", w.Curve)
			}
			for _, point := range w.Curve {
				enough := point.Served > 0 && point.P95 < test.target && point.GaveUp == 0
				if enough != (point.Users >= w.Enough) {
					t.Errorf("%d are said to be enough, and with %d the waits are %+v", w.Enough, point.Users, point.Waits)
				}
			}
		})
	}
}

func TestAdviceIsAboutWhatIsWantedOften(t *testing.T) {
	var d domain.Demand
	wanted := func(n int, labels ...string) {
		for range n {
			d.Claims = append(d.Claims, past(0, 1, domain.Selector{Labels: labelled(labels...)}))
		}
	}
	wanted(3, "a=1")
	wanted(500, "a=2")
	wanted(100, "a=3")
	wanted(6)
	wanted(7, "a=2", "b=1")
	wanted(8, "a=4")
	wanted(9, "a=5")
	particular := past(0, 1, domain.Selector{})
	particular.Particular = true
	d.Claims = append(d.Claims, particular)
	var got []domain.Labels
	for _, w := range domain.Advise(d, nil, time.Second) {
		got = append(got, w.Labels)
		if len(w.Labels) == 0 && w.Claims != 6 {
			t.Errorf("%d claims count, want 6 without the one that names a user", w.Claims)
		}
	}
	want := []domain.Labels{labelled("a=2"), labelled("a=3"), labelled("a=5"), labelled("a=4"), labelled("a=2", "b=1")}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("there is advice for %v, want %v", got, want)
	}
}

func TestFewerUsersLackThoseThatOthersWantLeast(t *testing.T) {
	// The admin is for the claims that want one, and one plain user is enough for the others.
	d := domain.Demand{}
	for i := range 100 {
		d.Claims = append(d.Claims, past(10*i, 9, domain.Selector{Labels: labelled("r=admin")}), past(10*i, 9, domain.Selector{}))
	}
	users := []domain.Alike{{Labels: labelled("r=admin"), Users: 1}, {Users: 3}}
	for _, w := range domain.Advise(d, users, time.Second) {
		if want := map[int]int{0: 2, 1: 1}[len(w.Labels)]; w.Enough != want {
			t.Errorf("%d users with %v are enough, want %d", w.Enough, w.Labels, want)
		}
	}
}

func TestAdviceCountsClaimsThatGiveUp(t *testing.T) {
	d := domain.Demand{Pool: domain.Pool{Env: "stage", Domain: "shop"}}
	for i := range 100 {
		d.Claims = append(d.Claims, past(60*i, 50, domain.Selector{}), impatient(60*i+1, 5, domain.Selector{}))
	}
	w := domain.Advise(d, []domain.Alike{{Users: 1}}, 10*time.Second)[0]
	if w.Measured != (domain.Waits{Served: 100, GaveUp: 100}) || w.Enough != 2 {
		t.Errorf("got %+v", w)
	}
	const want = "1 more account in stage, shop would bring the claims that give up from 100 to 0 of 200."
	if got := w.Sentence(10 * time.Second); got != want {
		t.Errorf("it says %q, want %q", got, want)
	}
}

func TestAdviceSaysIfMoreUsersDoNotHelp(t *testing.T) {
	d := domain.Demand{Pool: domain.Pool{Env: "stage", Domain: "shop"}}
	for range 200 { // all at once, and 64 more users are tried at most
		d.Claims = append(d.Claims, past(0, 10, domain.Selector{Labels: labelled("r=buyer")}))
	}
	w := domain.Advise(d, []domain.Alike{{Labels: labelled("r=buyer"), Users: 1}}, 10*time.Second)[0]
	const want = "Even 64 more r=buyer accounts in stage, shop would not bring p95 under 10 s: it would be 20 s."
	if got := w.Sentence(10 * time.Second); w.Reached || len(w.Together.More) > 0 || got != want {
		t.Errorf("it says %q, want %q", got, want)
	}
}

func TestDurationsAreWrittenForPeople(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 s", 40 * time.Millisecond: "0 s", 450 * time.Millisecond: "0.5 s", 2500 * time.Millisecond: "2.5 s", 9 * time.Second: "9 s",
		42 * time.Second: "42 s", 59900 * time.Millisecond: "1 min", 130 * time.Second: "2 min 10 s", time.Hour: "1 h",
		59*time.Minute + 59*time.Second + 600*time.Millisecond: "1 h", 3*time.Hour + 5*time.Minute: "3 h 5 min",
	} {
		if got := domain.DurationText(d); got != want {
			t.Errorf("%v is written as %q, want %q", d, got, want)
		}
	}
}
