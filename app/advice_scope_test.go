package app_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/userfarm/userfarm/adapters/memory"
	"github.com/userfarm/userfarm/app"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// giveUps is a farm with a user in each of three pools, who are all held, so that claims give up.
type giveUps struct {
	*testing.T
	farm *app.Farm
}

var (
	otherEnv    = domain.Pool{ProjectID: stage.ProjectID, Env: "prod", Domain: "regular"}
	threePools  = []domain.Pool{stage, otherEnv, foreignStage}
	nameOfPool  = map[domain.Pool]string{stage: "stage", otherEnv: "prod", foreignStage: "foreign"}
	roleOfAdmin = domain.Labels{"role": "admin"}
)

// inGiveUps runs a test in a bubble.
func inGiveUps(t *testing.T, test func(g giveUps)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		g := giveUps{t, mustNew(memory.New(), settings)}
		ctx, stop := context.WithCancel(t.Context())
		var housekeeping sync.WaitGroup
		housekeeping.Go(func() { g.farm.RunHousekeeping(ctx, slog.New(slog.DiscardHandler)) })
		for i, pool := range threePools {
			labelled(t, g.farm, fmt.Sprint("user-", i), pool, roleOfAdmin)
			acquire(t, g.farm, []domain.Selector{{ProjectID: pool.ProjectID, Env: pool.Env, Labels: roleOfAdmin}}, domain.Terms{})
		}
		test(g)
		stop()
		housekeeping.Wait()
	})
}

// giveUp lets a claim wait for a second, and then give up.
func (g giveUps) giveUp(farm *app.Farm, want ...domain.Selector) {
	g.Helper()
	if _, err := farm.Acquire(g.Context(), want, domain.Terms{Wait: time.Second}, noKey); err == nil {
		g.Errorf("%+v is granted", want)
	}
	time.Sleep(5 * time.Minute) // until that is on record
}

// wantGaveUp checks how many claims gave up, by the pool and the labels of what they wanted, as a farm tells its caller.
func (g giveUps) wantGaveUp(farm *app.Farm, q ports.AdviceQuery, want ...string) {
	g.Helper()
	advice, err := farm.Advice(g.Context(), q)
	if err != nil {
		g.Fatal(err)
	}
	var got []string
	for _, w := range advice.Wants {
		if w.Measured.GaveUp > 0 {
			got = append(got, strings.TrimSpace(fmt.Sprint(nameOfPool[w.Pool], " ", w.Labels["role"], " ", w.Measured.GaveUp)))
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		g.Errorf("claims gave up for %q, want %q", got, want)
	}
}

func TestAClaimThatGaveUpCountsForWhatItWaitedFor(t *testing.T) {
	admin := func(pool domain.Pool) domain.Selector {
		return domain.Selector{ProjectID: pool.ProjectID, Env: pool.Env, Domain: pool.Domain, Labels: roleOfAdmin}
	}
	for name, test := range map[string]struct {
		want   []domain.Selector
		counts []string
	}{
		"in one pool":                     {[]domain.Selector{admin(stage)}, []string{"stage admin 1"}},
		"in each pool that it left open":  {[]domain.Selector{{ProjectID: stage.ProjectID}}, []string{"stage  1", "prod  1"}},
		"in each of two pools":            {[]domain.Selector{admin(stage), admin(foreignStage)}, []string{"stage admin 1", "foreign admin 1"}},
		"once for two users of a pool":    {[]domain.Selector{admin(stage), {Env: "stage"}}, []string{"stage admin 1", "stage  1"}},
		"everywhere if it would take all": {[]domain.Selector{{}}, []string{"stage  1", "prod  1", "foreign  1"}},
	} {
		t.Run(name, func(t *testing.T) {
			inGiveUps(t, func(g giveUps) {
				if len(test.want) > 1 { // else the farm says at once that no two users match
					labelled(g.T, g.farm, "second", stage, roleOfAdmin)
					acquire(g.T, g.farm, []domain.Selector{admin(stage)}, domain.Terms{})
				}
				g.giveUp(g.farm, test.want...)
				g.wantGaveUp(g.farm, ports.AdviceQuery{}, test.counts...)
			})
		})
	}
}

func TestAClaimThatGaveUpCountsOnlyForPoolsThatTheAdviceIsAbout(t *testing.T) {
	inGiveUps(t, func(g giveUps) {
		g.giveUp(g.farm, domain.Selector{})
		g.wantGaveUp(g.farm, ports.AdviceQuery{Env: "prod"}, "prod  1")
		g.wantGaveUp(g.farm, ports.AdviceQuery{ProjectID: stage.ProjectID}, "prod  1", "stage  1")
		g.wantGaveUp(g.farm, ports.AdviceQuery{Domain: foreignStage.Domain}, "foreign  1")
	})
}

func TestAClaimThatGaveUpCountsOnlyForPoolsThatItsCallerSees(t *testing.T) {
	inGiveUps(t, func(g giveUps) {
		ours := g.farm.For(domain.Caller{Role: domain.Tester, Scope: domain.Only(stage.ProjectID)})
		both := g.farm.For(domain.Caller{Role: domain.Tester, Scope: domain.Only(stage.ProjectID, foreignStage.ProjectID)})
		theirs := g.farm.For(domain.Caller{Role: domain.Tester, Scope: domain.Only(foreignStage.ProjectID, domain.ProjectID{9})})
		g.giveUp(ours, domain.Selector{Env: "prod"})
		g.giveUp(theirs, domain.Selector{}) // leaves the project open, but no other than these can serve it
		g.wantGaveUp(g.farm, ports.AdviceQuery{}, "prod  1", "foreign  1")
		g.wantGaveUp(ours, ports.AdviceQuery{}, "prod  1")
		g.wantGaveUp(both, ports.AdviceQuery{}, "prod  1", "foreign  1")
		g.wantGaveUp(theirs, ports.AdviceQuery{}, "foreign  1")
	})
}

func TestAdviceForACallerIsAboutItsProjectsOnly(t *testing.T) {
	inGiveUps(t, func(g giveUps) {
		ours := g.farm.For(domain.Caller{Role: domain.Tester, Scope: domain.Only(stage.ProjectID)})
		labelled(g.T, g.farm, "second", stage, domain.Labels{"role": "buyer"})
		mixed := []domain.Selector{{ProjectID: foreignStage.ProjectID, Labels: domain.Labels{"role": "spy"}}, {ProjectID: stage.ProjectID, Labels: domain.Labels{"role": "buyer"}}}
		labelled(g.T, g.farm, "spy", foreignStage, domain.Labels{"role": "spy"})
		acquire(g.T, g.farm, mixed, domain.Terms{})
		g.giveUp(g.farm, mixed...)
		advice, err := ours.Advice(g.Context(), ports.AdviceQuery{})
		if err != nil {
			g.Fatal(err)
		}
		for _, w := range advice.Wants {
			if w.Pool.ProjectID != stage.ProjectID {
				g.Errorf("there is advice for %+v", w.Pool)
			}
		}
		if told := fmt.Sprintf("%+v", advice); strings.Contains(told, "spy") || len(advice.Wants) < 3 {
			g.Errorf("the advice is %s", told)
		}
		_, err = ours.Advice(g.Context(), ports.AdviceQuery{ProjectID: foreignStage.ProjectID})
		if !errors.Is(err, domain.ErrForbidden) {
			g.Errorf("advice about another project = %v", err)
		}
	})
}

// More users would not have helped a claim that also waited for one by its id.
func TestAClaimThatGaveUpOnAUserThatItNamesDoesNotCount(t *testing.T) {
	inGiveUps(t, func(g giveUps) {
		named := create(g.T, g.farm, "named")
		if _, err := g.farm.LockOpen(g.Context(), named); err != nil {
			g.Fatal(err)
		}
		g.giveUp(g.farm, domain.Selector{UserID: named}, domain.Selector{Env: "prod"})
		g.giveUp(g.farm, domain.Selector{UserID: named})
		g.wantGaveUp(g.farm, ports.AdviceQuery{})
	})
}
