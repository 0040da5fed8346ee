package domain_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/userfarm/userfarm/domain"
)

// universe has all projects of the scopes in these tests, and one that only the scope of all projects has.
var universe = []domain.ProjectID{{1}, {2}, {2, 15: 1}, {0xff}, {0x77}}

func drawScope(random *rand.Rand) domain.Scope {
	if random.IntN(4) == 0 {
		return domain.Scope{}
	}
	var projects []domain.ProjectID
	for range random.IntN(5) {
		projects = append(projects, universe[random.IntN(len(universe)-1)])
	}
	return domain.Only(projects...)
}

func TestAScopeHasItsProjectsOnly(t *testing.T) {
	projects := []domain.ProjectID{{3}, {1}, {3}, {2}, {1}}
	given := slices.Clone(projects)
	scope := domain.Only(given...)
	if !scope.Limited || !slices.Equal(scope.Projects, []domain.ProjectID{{1}, {2}, {3}}) {
		t.Errorf("scope = %+v, want each once, ascending", scope)
	}
	if !slices.Equal(given, projects) {
		t.Error("it changed what it was made of")
	}
	given[0] = domain.ProjectID{9}
	for _, p := range projects {
		if !scope.Has(p) {
			t.Errorf("it lacks %v", p)
		}
	}
	for _, p := range []domain.ProjectID{{}, {9}, {1, 15: 1}} {
		if scope.Has(p) || domain.Only().Has(p) || !(domain.Scope{}).Has(p) {
			t.Errorf("%v is in a scope of others, or not in that of all", p)
		}
	}
	if none := domain.Only(); !none.Limited || none.Equal(domain.Scope{}) {
		t.Errorf("the scope of no project is %+v", none)
	}
}

// The test compares the methods of scopes with checks of their projects one by one.
func TestScopesAreSetsOfProjects(t *testing.T) {
	random := seeded(3)
	for range 5000 {
		a, b := drawScope(random), drawScope(random)
		covers, same, both := true, a.Limited == b.Limited, false
		for _, p := range universe {
			covers = covers && (a.Has(p) || !b.Has(p))
			same = same && a.Has(p) == b.Has(p)
			both = both || a.Has(p) && b.Has(p)
		}
		if a.Covers(b) != covers {
			t.Errorf("%+v covers %+v: %t, want %t", a, b, a.Covers(b), covers)
		}
		if a.Equal(b) != same || a.Equal(b) != (a.Covers(b) && b.Covers(a)) {
			t.Errorf("%+v equals %+v: %t, want %t", a, b, a.Equal(b), same)
		}
		one, other := domain.Selector{}.In(a), domain.Selector{}.In(b)
		overlaps := one.Overlaps(other)
		if overlaps != other.Overlaps(one) {
			t.Errorf("%+v and %+v overlap in one way only", a, b)
		}
		if both && !overlaps || !both && overlaps && a.Limited && b.Limited {
			t.Errorf("%+v and %+v overlap: %t, want %t", a, b, overlaps, both)
		}
	}
}

func TestAScopeCoversUsersIfItHasTheirProjects(t *testing.T) {
	random := seeded(4)
	users := []*domain.User{newUser("ann", nil)}
	for i, project := range universe {
		s := users[0].Snapshot()
		s.ID, s.Pool.ProjectID = domain.UserID{byte(i)}, project
		users = append(users, domain.Restore(s))
	}
	for range 2000 {
		scope := drawScope(random)
		some := slices.DeleteFunc(slices.Clone(users), func(*domain.User) bool { return random.IntN(2) == 0 })
		want := true
		for _, u := range some {
			want = want && scope.Has(u.Snapshot().Pool.ProjectID)
		}
		if scope.CoversUsers(some) != want {
			t.Fatalf("%+v covers %d users: %t, want %t", scope, len(some), !want, want)
		}
	}
	if !domain.Only().CoversUsers(nil) {
		t.Error("no users are not covered")
	}
}

func TestAnEndedLeaseErrorIsErrLeaseExpired(t *testing.T) {
	scope := domain.Only(universe[0])
	err := fmt.Errorf("store: find: %w", &domain.EndedLeaseError{EndedLease: domain.EndedLease{Scope: scope}})
	ended, ok := errors.AsType[*domain.EndedLeaseError](err)
	if !ok || !ended.Scope.Equal(scope) || !errors.Is(err, domain.ErrLeaseExpired) {
		t.Errorf("%v is not that the lease is over, or lost its scope", err)
	}
	if ended.Error() != domain.ErrLeaseExpired.Error() {
		t.Errorf("%q tells it from any other lease that is over", ended)
	}
}
