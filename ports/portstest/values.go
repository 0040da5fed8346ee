package portstest

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/userfarm/userfarm/domain"
)

var valueTests = []storeTest{
	{"counts the values of a field of the pool", valuesOfPool},
	{"counts the values of a label, and the users that lack it", valuesOfLabel},
	{"counts users in every state, and none that was removed or relabelled", valuesOfState},
	{"counts only users of the scope", valuesInScope},
	{"counts at least the first hundred of many", valuesOfMany},
	{"finds no text that no store could keep", valuesUnstorable},
}

var (
	prodShop  = domain.Pool{ProjectID: projectA, Env: "prod", Domain: "shop"}
	prodMail  = domain.Pool{ProjectID: projectA, Env: "prod", Domain: "mail"}
	otherShop = domain.Pool{ProjectID: projectB, Env: "staging", Domain: "shop"}
)

// relabel replaces the labels of a user.
func relabel(labels domain.Labels) func(time.Time, *domain.User) error {
	return func(now time.Time, u *domain.User) error { return u.Change(now, domain.Change{Labels: &labels}) }
}

// value is the count of a value.
func value(text string, users int) domain.ValueCount {
	return domain.ValueCount{Value: text, Users: users}
}

func valuesOfPool(f *farm) {
	f.wantValues(anyone, domain.FieldEnv)
	f.addMany(2)
	f.addMany(3, in(prodShop), withRole("admin"))
	f.add(in(prodMail), withRole("admin"))
	f.add(in(otherShop), withLabels(domain.Labels{"role": "admin", "plan": "free"}))

	f.wantValues(anyone, domain.FieldEnv, value("prod", 4), value("staging", 3))
	f.wantValues(anyone, domain.FieldDomain, value("mail", 1), value("shop", 6))
	f.wantValues(anyone, domain.FieldProject, value(projectA.String(), 6), value(projectB.String(), 1))
	f.wantValues(domain.Selector{Domain: "shop", ProjectID: projectA}, domain.FieldEnv, value("prod", 3), value("staging", 2))
	f.wantValues(role("admin"), domain.FieldEnv, value("prod", 4), value("staging", 1))
	f.wantValues(domain.Selector{Env: "prod", Labels: domain.Labels{"role": "admin"}}, domain.FieldDomain, value("mail", 1), value("shop", 3))
	f.wantValues(role("plain"), domain.FieldEnv)
	f.wantValues(domain.Selector{Env: "Prod"}, domain.FieldDomain)
}

func valuesOfLabel(f *farm) {
	f.addMany(2)
	f.addMany(3, withRole("admin"))
	f.add(in(prodShop), withRole("admin"))
	f.add(withLabels(domain.Labels{"role": "", "plan": "free"}))
	f.add(withLabels(domain.Labels{"plan": "free"}))
	roles := domain.FieldLabel("role")
	lacking := func(users int) domain.ValueCount { return domain.ValueCount{Absent: true, Users: users} }

	f.wantValues(anyone, roles, lacking(3), value("", 1), value("admin", 4))
	f.wantValues(domain.Selector{Env: "prod"}, roles, value("admin", 1))
	f.wantValues(domain.Selector{Labels: domain.Labels{"plan": "free"}}, roles, lacking(1), value("", 1))
	f.wantValues(anyone, domain.FieldLabel("a/b.c-d_e"), lacking(8))
}

func valuesOfState(f *farm) {
	users := f.addMany(6, withRole("admin"))
	f.acquire(named(users[0]))
	f.must(f.lockOpen(users[1].ID(), 0))
	f.must(f.quarantine(users[2].ID(), "broken"))
	f.must(f.remove(users[3].ID()))
	f.must(f.update(users[4].ID(), relabel(domain.Labels{"role": "buyer"})))
	f.must(f.update(users[5].ID(), relabel(nil)))
	f.wantValues(anyone, domain.FieldLabel("role"),
		domain.ValueCount{Absent: true, Users: 1}, value("admin", 3), value("buyer", 1))
	f.wantValues(role("admin"), domain.FieldEnv, value("staging", 3))
	f.wantValues(anyone, domain.FieldEnv, value("staging", 5))
}

func valuesInScope(f *farm) {
	f.add(in(prodShop), withRole("admin"))
	f.add(in(otherShop), withRole("buyer"))
	for _, field := range []domain.Field{domain.FieldEnv, domain.FieldLabel("role")} {
		f.wantValues(anyone.In(domain.Only()), field)
	}
	f.wantValues(anyone.In(domain.Only(projectA)), domain.FieldEnv, value("prod", 1))
	f.wantValues(anyone.In(domain.Only(projectB)), domain.FieldLabel("role"), value("buyer", 1))
	f.wantValues(role("admin").In(domain.Only(projectB)), domain.FieldEnv)
}

func valuesOfMany(f *farm) {
	for range 3 {
		f.addMany(40, withRole("admin"))
		f.addMany(40)
	}
	for _, test := range []struct {
		want  domain.Selector
		field domain.Field
	}{{anyone, domain.FieldEnv}, {role("admin"), domain.FieldDomain}, {anyone, domain.FieldLabel("role")}} {
		counts, err := f.store.CountValues(f.Context(), test.want, test.field)
		f.must(err)
		users := 0
		for _, c := range counts {
			users += c.Users
		}
		if users < domain.MostCounted || users > 240 {
			f.Fatalf("counted %d users by their %v", users, test.field)
		}
	}
}

func valuesUnstorable(f *farm) {
	f.add()
	for _, text := range []string{"a\x00b", "\xff"} {
		f.wantValues(domain.Selector{Env: text}, domain.FieldDomain)
		f.wantValues(role(text), domain.FieldEnv)
	}
}

// wantValues fails the test unless these are the counts, ordered by their values.
func (f *farm) wantValues(want domain.Selector, field domain.Field, counts ...domain.ValueCount) {
	f.Helper()
	got, err := f.store.CountValues(f.Context(), want, field)
	f.must(err)
	slices.SortFunc(got, func(a, b domain.ValueCount) int {
		return cmp.Or(cmp.Compare(fmt.Sprint(!a.Absent), fmt.Sprint(!b.Absent)), cmp.Compare(a.Value, b.Value))
	})
	if !slices.Equal(got, counts) {
		f.Fatalf("%+v has the values of %v\n\t%+v, want\n\t%+v", want, field, got, counts)
	}
}
