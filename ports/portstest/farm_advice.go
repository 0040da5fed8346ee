package portstest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// A farm may keep an answer for a while, so that these tests ask nothing twice.
var farmAdviceTests = []farmTest{
	{"advises about nothing that was not asked for", nothingIsAdvised},
	{"tells the waits by the number of users", adviceHasACurve},
	{"tells which users are short that acquires need together", adviceHasUsersThatGoTogether},
	{"advises about the pools that are asked for", adviceIsFiltered},
	{"rejects a target that is too short or too long", badTargetIsRejected},
}

func (g *guest) advice(q ports.AdviceQuery) domain.Advice {
	g.Helper()
	advice, err := g.Farm.Advice(g.Context(), q)
	g.must(err)
	return advice
}

func nothingIsAdvised(g *guest) {
	for target, want := range map[time.Duration]time.Duration{0: domain.DefaultTarget, time.Second: time.Second} {
		advice := g.advice(ports.AdviceQuery{Target: target})
		g.wantEqual("the advice of an empty farm", advice, domain.Advice{Since: advice.Since, Until: advice.Until, Target: want})
		if period := advice.Until.Sub(advice.Since); period != 24*time.Hour {
			g.Errorf("the period is %v", period)
		}
		g.create() // and then of one in which nobody has acquired anything
	}
}

// waitFor lets an acquire of these users wait for a moment, until a lease on what it needs is released.
func (g *guest) waitFor(terms domain.Terms, want ...domain.Selector) domain.Lease {
	g.Helper()
	held := g.acquire(want...)
	terms.Wait = domain.MaxWait
	waiter := g.stand(g.Context(), 1, terms, unkeyed, want...)
	g.Advance(10 * time.Millisecond)
	g.must(g.Farm.Release(g.Context(), held.ID))
	served := <-waiter
	g.must(served.err)
	g.must(g.Farm.Release(g.Context(), served.lease.ID))
	return served.lease
}

func adviceHasACurve(g *guest) {
	admin := g.create(withRole("admin"))
	g.create(withRole("buyer"))
	broken := g.create(withRole("admin"))
	_, err := g.Farm.Quarantine(g.Context(), broken.ID, "broken")
	g.must(err)
	g.must(g.name(projectA, "Web shop"))
	terms := domain.Terms{Owner: "ci-4711/worker-3", Note: "a note"}
	lease := g.waitFor(terms, role("admin"))
	g.must(g.Farm.Release(g.Context(), g.acquire(g.named(admin)).ID)) // does not count

	const target = time.Minute
	advice := g.advice(ports.AdviceQuery{Target: target})
	if advice.Claims != 3 || advice.Cut || len(advice.Wants) != 1 {
		g.Fatalf("the advice is %+v", advice)
	}
	got := advice.Wants[0]
	g.wantEqual("the advice", got, domain.WantAdvice{
		Pool: admin.Pool, Project: "Web shop", Labels: domain.Labels{"role": "admin"}, Claims: 2, Users: 1, Quarantined: 1,
		Enough: 1, Reached: true, Most: 1, Measured: got.Measured, Curve: got.Curve,
	})
	if got.Measured.Served != 2 || got.Measured.P95 < 10*time.Millisecond {
		g.Errorf("the measured waits are %+v", got.Measured)
	}
	var sizes []int
	for _, size := range got.Curve {
		sizes = append(sizes, size.Users)
	}
	if !slices.Equal(sizes, []int{1, 2, 3, 5}) || got.At(1).Served != 2 || got.At(2) != (domain.Waits{Served: 2}) {
		g.Errorf("the curve is %+v", got.Curve)
	}
	told := fmt.Sprintf("%+v", advice) + got.Sentence(target)
	for _, secret := range []string{admin.Login, admin.ID.String(), lease.ID.Reveal(), terms.Owner, terms.Note} {
		if strings.Contains(told, secret) {
			g.Errorf("the advice tells %q", secret)
		}
	}
}

func adviceHasUsersThatGoTogether(g *guest) {
	g.create(withRole("buyer"))
	g.create(withRole("seller"))
	held := g.acquire(role("buyer"), role("seller"))
	var waiting []<-chan granted
	for i := range 3 {
		terms := domain.Terms{Wait: domain.MaxWait}
		waiting = append(waiting, g.stand(g.Context(), i+1, terms, unkeyed, role("buyer"), role("seller")))
	}
	for _, waiter := range waiting {
		g.Advance(600 * time.Millisecond)
		g.must(g.Farm.Release(g.Context(), held.ID))
		served := <-waiter
		g.must(served.err)
		held = served.lease
	}
	g.must(g.Farm.Release(g.Context(), held.ID))

	advice := g.advice(ports.AdviceQuery{Target: time.Second})
	if len(advice.Wants) != 2 {
		g.Fatalf("the advice is %+v", advice)
	}
	for _, want := range advice.Wants {
		if want.Reached {
			g.Errorf("%d users of %v alone are said to be enough", want.Enough, want.Labels)
		}
		roles := []string{"buyer", "seller"} // the want's own first
		if want.Labels["role"] == "seller" {
			slices.Reverse(roles)
		}
		var got []string
		for _, more := range want.Together.More {
			if got = append(got, more.Labels["role"]); more.Users < 1 || len(more.Labels) != 1 {
				g.Errorf("%d more users with %v are advised", more.Users, more.Labels)
			}
		}
		if !slices.Equal(got, roles) || want.Together.Served != 4 || want.Together.P95 > time.Second {
			g.Errorf("together are advised %v with the waits %+v", got, want.Together.Waits)
		}
	}
}

func adviceIsFiltered(g *guest) {
	here := domain.Pool{ProjectID: projectA, Env: "staging", Domain: "shop"}
	there := domain.Pool{ProjectID: projectB, Env: "prod", Domain: "blog"}
	for _, pool := range []domain.Pool{here, there} {
		g.create(in(pool))
		g.acquire(domain.Selector{ProjectID: pool.ProjectID})
	}
	for name, test := range map[string]struct {
		query ports.AdviceQuery
		want  []domain.Pool
	}{
		"nothing":       {ports.AdviceQuery{}, []domain.Pool{here, there}},
		"a project":     {ports.AdviceQuery{ProjectID: projectB}, []domain.Pool{there}},
		"an env":        {ports.AdviceQuery{Env: "staging"}, []domain.Pool{here}},
		"a domain":      {ports.AdviceQuery{Domain: "blog"}, []domain.Pool{there}},
		"two pools":     {ports.AdviceQuery{Env: "staging", Domain: "blog"}, nil},
		"another env":   {ports.AdviceQuery{Env: "nowhere"}, nil},
		"a past period": {ports.AdviceQuery{Since: g.user(g.create().ID).CreatedAt.Add(-time.Hour)}, []domain.Pool{here, there}},
		"the future":    {ports.AdviceQuery{Since: g.user(g.create().ID).CreatedAt.Add(time.Hour)}, nil},
	} {
		var got []domain.Pool
		for _, want := range g.advice(test.query).Wants {
			got = append(got, want.Pool)
		}
		if !slices.Equal(got, test.want) {
			g.Errorf("filtered by %s, there is advice for %+v, want %+v", name, got, test.want)
		}
	}
}

func badTargetIsRejected(g *guest) {
	for _, target := range []time.Duration{-time.Second, domain.LongestTarget + time.Second} {
		_, err := g.Farm.Advice(g.Context(), ports.AdviceQuery{Target: target})
		g.wantFields(fmt.Sprint("a target of ", target), err, "/target_seconds")
	}
}
