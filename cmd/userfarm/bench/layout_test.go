package bench

import (
	"encoding/json"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/userfarm/userfarm/domain"
)

func anyLayout(t *rapid.T) layout {
	l := layout{pools: rapid.IntRange(1, 5).Draw(t, "pools"), labelSets: rapid.IntRange(0, 5).Draw(t, "sets")}
	l.shared = l.labelSets > 0 && rapid.Bool().Draw(t, "shared")
	return l
}

// body is the part of a user and of a selector that a layout decides.
type body struct {
	Domain string        `json:"domain"`
	Labels domain.Labels `json:"labels"`
}

func parseBody(t *rapid.T, text string) (b body) {
	if err := json.Unmarshal([]byte(text), &b); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return b
}

func TestASelectorMatchesTheUsersOfItsTargetOnly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := anyLayout(t)
		const project, env = "p", "e"
		for user := range 2 * l.pools * max(l.labelSets, 1) {
			has := parseBody(t, l.user(project, env, user))
			for target := range l.targets() {
				wants := parseBody(t, l.selector(project, env, target))
				matches := wants.Domain == has.Domain && has.Labels.Contain(wants.Labels)
				if belongs := l.targetOf(user) == target; matches != belongs {
					t.Fatalf("%+v: user %d %+v belongs to target %d: %v, but matches %+v: %v", l, user, has, target, belongs, wants, matches)
				}
			}
		}
	})
}

func TestTheUsersHaveAsManyPoolsAndSetsAsTheLayout(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := anyLayout(t)
		sets := map[string]map[string]bool{} // of each pool
		for user := range l.pools * max(l.labelSets, 1) {
			has := parseBody(t, l.user("p", "e", user))
			if sets[has.Domain] == nil {
				sets[has.Domain] = map[string]bool{}
			}
			sets[has.Domain][has.Labels[labelOwn]] = true
		}
		if len(sets) != l.pools {
			t.Errorf("%+v: %d pools", l, len(sets))
		}
		for pool, own := range sets {
			if len(own) != max(l.labelSets, 1) {
				t.Errorf("%+v: pool %s has %d sets of labels", l, pool, len(own))
			}
		}
	})
}

func TestTheClientsTakeAllTargetsAndShareNoneIfThereAreEnough(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := anyLayout(t)
		clients := rapid.IntRange(1, 30).Draw(t, "clients")
		var all []int
		for client := range clients {
			own := l.targetsOf(client, clients)
			if len(own) == 0 {
				t.Fatalf("client %d of %d has no target of %+v", client, clients, l)
			}
			all = append(all, own...)
		}
		slices.Sort(all)
		taken := slices.Compact(slices.Clone(all))
		if clients >= l.targets() && len(taken) != l.targets() || clients < l.targets() && len(all) != l.targets() ||
			len(taken) != l.targets() || taken[0] != 0 || taken[len(taken)-1] != l.targets()-1 {
			t.Errorf("%d clients take the targets %v of %d", clients, all, l.targets())
		}
	})
}
