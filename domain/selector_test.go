package domain_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/userfarm/userfarm/domain"
)

func TestSelectorMatches(t *testing.T) {
	user := newUser("ann", domain.Labels{"role": "admin", "plan": "free"})
	pool := user.View(noon).Pool
	for name, s := range map[string]domain.Selector{
		"nothing in particular": {},
		"its id":                {UserID: user.ID()},
		"its pool":              {ProjectID: pool.ProjectID, Env: pool.Env, Domain: pool.Domain},
		"one of its labels":     {Labels: domain.Labels{"role": "admin"}},
		"all its labels":        {Labels: domain.Labels{"role": "admin", "plan": "free"}},
	} {
		if !s.Matches(user) {
			t.Errorf("%s does not match", name)
		}
	}
	for name, s := range map[string]domain.Selector{
		"another id":               {UserID: domain.UserID{9}},
		"another project":          {ProjectID: domain.ProjectID{9}},
		"another env":              {Env: "prod"},
		"another domain":           {Domain: "canary"},
		"another value":            {Labels: domain.Labels{"role": "user"}},
		"a label it does not have": {Labels: domain.Labels{"role": "admin", "vip": "yes"}},
		"an empty value of no key": {Labels: domain.Labels{"vip": ""}},
	} {
		if s.Matches(user) {
			t.Errorf("%s matches", name)
		}
	}
}

func TestCheckSelectors(t *testing.T) {
	id := domain.UserID{1}
	must(t, domain.CheckSelectors([]domain.Selector{{}, {UserID: id}, {Labels: domain.Labels{"a.b/c_d-e": ""}}}))
	must(t, domain.CheckSelectors(make([]domain.Selector, domain.MaxLeaseUsers)))

	wantFields(t, domain.CheckSelectors(nil), "/users")
	wantFields(t, domain.CheckSelectors(make([]domain.Selector, domain.MaxLeaseUsers+1)), "/users")
	wantFields(t, domain.CheckSelectors([]domain.Selector{
		{UserID: id, Env: "stage"},
		{UserID: id},
		{Env: strings.Repeat("x", 256), Domain: "a\x00", Labels: domain.Labels{"-": "x", "~/": "x", "k": "\xff"}},
	}), "/users/0", "/users/1/user_id", "/users/2/env", "/users/2/domain",
		"/users/2/labels/-", "/users/2/labels/k", "/users/2/labels/~0~1")
}

func TestRefusalSaysWhy(t *testing.T) {
	admin, free, held := newUser("root", domain.Labels{"role": "admin"}), newUser("ann", nil), newUser("bob", nil)
	must(t, held.LockOpen(noon, 0))
	quarantined := newUser("eve", nil)
	must(t, quarantined.Quarantine(noon, "dirty"))
	all := []*domain.User{admin, free, held, quarantined}
	admins := domain.Selector{Labels: domain.Labels{"role": "admin"}}

	for name, test := range map[string]struct {
		want      []domain.Selector
		reason    error
		selectors []int
	}{
		"an unknown user":            {[]domain.Selector{{}, {UserID: domain.UserID{9}}}, domain.ErrUserNotFound, []int{1}},
		"a held user":                {[]domain.Selector{{UserID: held.ID()}}, domain.ErrUserLocked, []int{0}},
		"a quarantined user":         {[]domain.Selector{{}, {UserID: quarantined.ID()}}, domain.ErrUserQuarantined, []int{1}},
		"no user in the environment": {[]domain.Selector{{}, {Env: "prod"}}, domain.ErrNoMatch, []int{1}},
		"too few of the kind":        {[]domain.Selector{admins, {}, admins}, domain.ErrNoMatch, []int{2}},
		"too few that are free":      {[]domain.Selector{{}, {}, {}}, domain.ErrPoolExhausted, []int{2}},
		"the free suffice after all": {[]domain.Selector{{}, admins}, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			err := domain.Refusal(noon, test.want, all)
			if !errors.Is(err, test.reason) {
				t.Fatalf("refusal = %v, want %v", err, test.reason)
			}
			var got []int
			if unmatched, ok := errors.AsType[*domain.UnmatchedError](err); ok {
				got = unmatched.Selectors
			} else if named, ok := errors.AsType[*domain.SelectorError](err); ok {
				got = []int{named.Selector}
			}
			if !slices.Equal(got, test.selectors) {
				t.Errorf("it names selectors %v, want %v", got, test.selectors)
			}
		})
	}
}

func wantFields(t *testing.T, err error, want ...string) {
	t.Helper()
	invalid, ok := errors.AsType[*domain.InvalidError](err)
	if !ok || !errors.Is(err, domain.ErrInvalid) {
		t.Errorf("error = %v, want an InvalidError about %v", err, want)
		return
	}
	var got []string
	for _, f := range invalid.Fields {
		got = append(got, f.Pointer)
		if f.Detail == "" || !strings.Contains(err.Error(), f.Pointer+" "+f.Detail) {
			t.Errorf("%v does not say what is wrong with %s", err, f.Pointer)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("bad fields = %v, want %v", got, want)
	}
}
