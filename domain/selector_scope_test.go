package domain_test

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/userfarm/userfarm/domain"
)

func TestASelectorMatchesOnlyUsersOfItsScope(t *testing.T) {
	ann := newUser("ann", domain.Labels{"role": "admin"})
	pool := ann.View(noon).Pool
	for name, s := range map[string]domain.Selector{
		"nothing in particular": {},
		"its id":                {UserID: ann.ID()},
		"its pool":              {ProjectID: pool.ProjectID, Env: pool.Env, Domain: pool.Domain},
		"its labels":            {Labels: domain.Labels{"role": "admin"}},
	} {
		for _, c := range []struct {
			scope domain.Scope
			want  bool
		}{
			{domain.Scope{}, true},
			{domain.Only(pool.ProjectID), true},
			{domain.Only(domain.ProjectID{9}, pool.ProjectID), true},
			{domain.Only(domain.ProjectID{9}), false},
			{domain.Only(), false},
		} {
			s := s.In(c.scope)
			if s.Matches(ann) != c.want {
				t.Errorf("%s in %+v matches: %t", name, c.scope, !c.want)
			}
			if s.UserID.IsZero() && s.InPool(pool) != c.want {
				t.Errorf("%s in %+v is in the pool: %t", name, c.scope, !c.want)
			}
		}
	}
}

func TestSelectorsOfOtherScopesDiffer(t *testing.T) {
	a, b := domain.ProjectID{1}, domain.ProjectID{2}
	one := domain.Selector{Env: "stage"}.In(domain.Only(a, b))
	if !one.Equal(domain.Selector{Env: "stage"}.In(domain.Only(b, a))) {
		t.Error("the same scope is another one")
	}
	for _, scope := range []domain.Scope{{}, domain.Only(), domain.Only(a)} {
		if one.Equal(domain.Selector{Env: "stage"}.In(scope)) {
			t.Errorf("%+v is the same", scope)
		}
	}
}

func drawSelector(random *rand.Rand, users []*domain.User) domain.Selector {
	s := domain.Selector{}.In(drawScope(random))
	if random.IntN(4) == 0 {
		s.UserID = users[random.IntN(len(users))].ID()
		return s
	}
	if random.IntN(2) == 0 {
		s.ProjectID = universe[random.IntN(len(universe))]
	}
	if random.IntN(3) == 0 {
		s.Env = []string{"stage", "prod"}[random.IntN(2)]
	}
	if random.IntN(3) == 0 {
		s.Labels = domain.Labels{"role": []string{"admin", "plain"}[random.IntN(2)]}
	}
	return s
}

func TestSelectorsThatWantTheSameUserOverlap(t *testing.T) {
	random := seeded(5)
	var users []*domain.User
	for i, project := range universe {
		for j, env := range []string{"stage", "prod"} {
			s := newUser("ann", domain.Labels{"role": []string{"admin", "plain"}[(i+j)%2]}).Snapshot()
			s.Pool.ProjectID, s.Pool.Env = project, env
			users = append(users, domain.Restore(s))
		}
	}
	apart := 0
	for range 20_000 {
		a, b := drawSelector(random, users), drawSelector(random, users)
		overlaps := a.Overlaps(b)
		if overlaps != b.Overlaps(a) {
			t.Fatalf("%+v and %+v overlap in one way only", a, b)
		}
		if !overlaps {
			apart++
		}
		for _, u := range users {
			if !overlaps && a.Matches(u) && b.Matches(u) {
				t.Fatalf("%+v and %+v do not overlap, but both want %+v", a, b, u.View(noon))
			}
			if pool := u.View(noon).Pool; a.Matches(u) && a.UserID.IsZero() && !a.InPool(pool) {
				t.Fatalf("%+v wants %+v, which is not in its pools", a, u.View(noon))
			}
		}
	}
	if apart == 0 {
		t.Error("all selectors overlap")
	}
}

func TestAUserOutOfTheScopeIsRefusedAsOneThatNeverWas(t *testing.T) {
	near, far := newUser("near", nil), newUser("far", nil)
	s := far.Snapshot()
	s.Pool.ProjectID = domain.ProjectID{9}
	far = domain.Restore(s)
	must(t, far.Quarantine(noon, "dirty"))
	scope := domain.Only(near.View(noon).Pool.ProjectID)
	for _, id := range []domain.UserID{far.ID(), {7}} {
		want := []domain.Selector{domain.Selector{UserID: near.ID()}.In(scope), domain.Selector{UserID: id}.In(scope)}
		err := domain.Refusal(noon, want, []*domain.User{near, far})
		named, ok := errors.AsType[*domain.SelectorError](err)
		if !ok || named.Selector != 1 || !errors.Is(err, domain.ErrUserNotFound) {
			t.Errorf("refusal = %v, want that user 1 is not found", err)
		}
	}
	err := domain.Refusal(noon, []domain.Selector{domain.Selector{}.In(domain.Only())}, []*domain.User{near, far})
	if !errors.Is(err, domain.ErrNoMatch) {
		t.Errorf("refusal = %v, want %v", err, domain.ErrNoMatch)
	}
}

func TestASelectorThatIsLimitedTwiceIsInBothScopes(t *testing.T) {
	a, b, c := domain.ProjectID{1}, domain.ProjectID{2}, domain.ProjectID{3}
	for _, test := range []struct{ first, second, want domain.Scope }{
		{domain.Scope{}, domain.Scope{}, domain.Scope{}},
		{domain.Only(a), domain.Scope{}, domain.Only(a)},
		{domain.Scope{}, domain.Only(a), domain.Only(a)},
		{domain.Only(a, b), domain.Only(c, b), domain.Only(b)},
		{domain.Only(a), domain.Only(b), domain.Only()},
		{domain.Only(), domain.Only(b), domain.Only()},
	} {
		once := domain.Selector{Env: "stage"}.In(test.first)
		twice := once.In(test.second)
		if !twice.Scope().Equal(test.want) || !once.Scope().Equal(test.first) {
			t.Errorf("%+v in %+v is %+v, want %+v", test.first, test.second, twice.Scope(), test.want)
		}
		if !twice.Equal(domain.Selector{Env: "stage"}.In(test.second).In(test.first)) {
			t.Errorf("%+v and %+v: the order matters", test.first, test.second)
		}
	}
}
