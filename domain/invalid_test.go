package domain_test

import (
	"strings"
	"testing"

	"github.com/userfarm/userfarm/domain"
)

func TestInvalidIsTheErrorOfOneField(t *testing.T) {
	wantFields(t, domain.Invalid("/wait_seconds", "must be 0"), "/wait_seconds")
}

func TestJoinInvalidListsTheFieldsOfAllErrors(t *testing.T) {
	one := domain.Invalid("/owner", "must be short")
	two := &domain.InvalidError{Fields: []domain.FieldError{{Pointer: "/a", Detail: "must"}, {Pointer: "/b", Detail: "must"}}}
	wantFields(t, domain.JoinInvalid(one, nil, two), "/owner", "/a", "/b")
	if err := domain.JoinInvalid(nil, nil); err != nil {
		t.Errorf("of no errors: %v", err)
	}
	if err := domain.JoinInvalid(); err != nil {
		t.Errorf("of nothing: %v", err)
	}
}

// Lengths are counted in characters, so the limit is the same in every script.
func TestTextsHaveALongestLength(t *testing.T) {
	spec := func(change func(*domain.Spec)) domain.Spec {
		s := domain.Spec{
			Login: "ann", Password: domain.NewSecret("x"),
			Pool: domain.Pool{ProjectID: domain.ProjectID{1}, Env: "e", Domain: "d"},
		}
		change(&s)
		return s
	}
	newUser := func(change func(*domain.Spec)) error {
		_, err := domain.NewUser(domain.UserID{1}, noon, spec(change))
		return err
	}
	for pointer, test := range map[string]struct {
		longest int
		check   func(text string) error
	}{
		"/login":       {255, func(s string) error { return newUser(func(u *domain.Spec) { u.Login = s }) }},
		"/env":         {255, func(s string) error { return newUser(func(u *domain.Spec) { u.Pool.Env = s }) }},
		"/domain":      {255, func(s string) error { return newUser(func(u *domain.Spec) { u.Pool.Domain = s }) }},
		"/password":    {1024, func(s string) error { return newUser(func(u *domain.Spec) { u.Password = domain.NewSecret(s) }) }},
		"/labels/k":    {255, func(s string) error { return newUser(func(u *domain.Spec) { u.Labels = domain.Labels{"k": s} }) }},
		"/reason":      {1024, func(s string) error { return domain.Restore(domain.Snapshot{}).Quarantine(noon, s) }},
		"/owner":       {255, func(s string) error { return domain.CheckTerms(domain.Terms{Owner: s}) }},
		"/note":        {1024, func(s string) error { return domain.CheckTerms(domain.Terms{Note: s}) }},
		"/users/0/env": {255, func(s string) error { return domain.CheckSelectors([]domain.Selector{{Env: s}}) }},
	} {
		for _, character := range []string{"x", "é", "語", "\U0001f642"} {
			if err := test.check(strings.Repeat(character, test.longest)); err != nil {
				t.Errorf("%s of %d times %q: %v", pointer, test.longest, character, err)
			}
			wantFields(t, test.check(strings.Repeat(character, test.longest+1)), pointer)
		}
		for _, bad := range []string{"a\x00b", "a\nb", "\x1b[31m", "\x7f", "\u0085", "\xff", "a\xc3", "\xed\xa0\x80"} {
			wantFields(t, test.check(bad), pointer)
		}
		for _, odd := range []string{"a b", "a\u200bb", "\ufffd", "\uffff", "'\"\\%?{}"} {
			if err := test.check(odd); err != nil {
				t.Errorf("%s %+q: %v", pointer, odd, err)
			}
		}
		for _, odd := range []string{" ", "\u00a0", "\u200b", "\u2028"} {
			err := test.check(odd)
			if pointer == "/login" || pointer == "/env" || pointer == "/domain" { // names that differ in nothing that people see
				wantFields(t, err, pointer)
			} else if err != nil {
				t.Errorf("%s %+q: %v", pointer, odd, err)
			}
		}
	}
}

func TestErrorsQuoteNoValue(t *testing.T) {
	const value = "hunter2\n"
	_, err := domain.NewUser(domain.UserID{}, noon, domain.Spec{
		Login: value, Password: domain.NewSecret(value), Pool: domain.Pool{Env: value, Domain: value}, Labels: domain.Labels{"k": value},
	})
	wantFields(t, err, "/login", "/password", "/project_id", "/env", "/domain", "/labels/k")
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%q quotes what was given", err)
	}
}
