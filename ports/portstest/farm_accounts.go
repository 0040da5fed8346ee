package portstest

import (
	"slices"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

var farmAccountTests = []farmTest{
	{"creates a user as it is specified", userIsCreated},
	{"creates a login once", loginIsTaken},
	{"names every bad field of a user", badUserIsRejected},
	{"lists users by every filter", usersAreFiltered},
	{"lists users page by page, in both orders", usersArePaged},
	{"changes what a change names", userIsChanged},
	{"removes users that are not locked", userIsRemoved},
	{"knows only users that it has", userIsUnknown},
	{"yields all accounts", accountsAreYielded},
}

func userIsCreated(g *guest) {
	spec := g.spec(withLabels(domain.Labels{"role": "admin", "empty": ""}), g.withTOTP("30"))
	view, err := g.Farm.CreateUser(g.Context(), spec, unkeyed)
	g.must(err)
	if view.ID.IsZero() || view.CreatedAt.IsZero() {
		g.Errorf("the user has no id or no time: %+v", view)
	}
	g.wantEqual("the new user", view, domain.View{
		ID: view.ID, CreatedAt: view.CreatedAt, Login: spec.Login, Pool: spec.Pool, Labels: spec.Labels, HasTOTP: true, Status: domain.Free,
	})
	g.wantEqual("the user", g.user(view.ID), view)
	g.wantEqual("the labels of a user without any", g.create().Labels, domain.Labels{})
}

func loginIsTaken(g *guest) {
	user := g.create()
	_, err := g.Farm.CreateUser(g.Context(), g.spec(withLogin("USER-1@example.com")), unkeyed)
	g.wantErr("the same login in other letters", err, domain.ErrUserExists)
	g.create(withLogin(user.Login), in(domain.Pool{ProjectID: projectB, Env: "staging", Domain: "shop"}))
}

func badUserIsRejected(g *guest) {
	_, err := g.Farm.CreateUser(g.Context(), domain.Spec{Login: " x", Labels: domain.Labels{"": "x"}}, unkeyed)
	g.wantFields("a user", err, "/login", "/password", "/project_id", "/env", "/domain", "/labels/")
	_, err = g.Farm.CreateUser(g.Context(), g.spec(func(s *domain.Spec) { s.Password = domain.NewSecret("\xff") }), unkeyed)
	g.wantFields("a password that is not UTF-8", err, "/password")
}

func usersAreFiltered(g *guest) {
	other := domain.Pool{ProjectID: projectB, Env: "prod", Domain: "blog"}
	plain := g.create()
	admin := g.create(withLabels(domain.Labels{"role": "admin", "at": "a:b"}))
	far := g.create(in(other))
	g.acquire(g.named(far))
	tests := map[string]struct {
		query ports.Query
		want  []domain.View
	}{
		"project": {ports.Query{ProjectID: projectB}, []domain.View{far}},
		"env":     {ports.Query{Env: "prod"}, []domain.View{far}},
		"domain":  {ports.Query{Domain: "shop"}, []domain.View{plain, admin}},
		"login":   {ports.Query{Login: "User-1@EXAMPLE.com"}, []domain.View{plain}},
		"status":  {ports.Query{Status: domain.Locked}, []domain.View{far}},
		"labels":  {ports.Query{Labels: domain.Labels{"role": "admin", "at": "a:b"}}, []domain.View{admin}},
		"owner":   {ports.Query{Owner: "ci-4711/worker-3"}, []domain.View{far}},
		"several": {ports.Query{Env: "staging", Status: domain.Free, Labels: domain.Labels{"role": "admin"}}, []domain.View{admin}},
		"none":    {ports.Query{Env: "prod", Domain: "shop"}, nil},
		"all":     {ports.Query{}, []domain.View{plain, admin, far}},
	}
	for name, test := range tests {
		page, err := g.Farm.Users(g.Context(), test.query)
		g.must(err)
		g.wantIDs("filtered by "+name, page.Users, test.want)
	}
}

func (g *guest) wantIDs(what string, got, want []domain.View) {
	g.Helper()
	of := func(views []domain.View) (ids []domain.UserID) {
		for _, view := range views {
			ids = append(ids, view.ID)
		}
		return ids
	}
	if !slices.Equal(of(got), of(want)) {
		g.Fatalf("%s: got users\n\t%v, want\n\t%v", what, of(got), of(want))
	}
}

func usersArePaged(g *guest) {
	users := []domain.View{g.create(), g.create(), g.create()}
	for _, newestFirst := range []bool{false, true} {
		q := ports.Query{Limit: 2, NewestFirst: newestFirst}
		first, err := g.Farm.Users(g.Context(), q)
		g.must(err)
		g.wantIDs("the first page", first.Users, users[:2])
		if first.Next != users[1].ID {
			g.Fatalf("the next page begins after %v, want %v", first.Next, users[1].ID)
		}
		q.After = first.Next
		second, err := g.Farm.Users(g.Context(), q)
		g.must(err)
		g.wantIDs("the second page", second.Users, users[2:])
		if !second.Next.IsZero() {
			g.Error("there is a page after the last one")
		}
		slices.Reverse(users)
	}
}

func userIsChanged(g *guest) {
	user := g.create(withRole("admin"), g.withTOTP("30"))
	lease := g.acquire(anyone)

	same, err := g.Farm.ChangeUser(g.Context(), user.ID, domain.Change{})
	g.must(err)
	if same.Labels["role"] != "admin" || !same.HasTOTP {
		g.Errorf("a change of nothing has changed the user: %+v", same)
	}
	password, labels, none := domain.NewSecret(passwordOf+"another"), domain.Labels{}, domain.TOTP{}
	changed, err := g.Farm.ChangeUser(g.Context(), user.ID, domain.Change{Password: &password, Labels: &labels, TOTP: &none})
	g.must(err)
	if len(changed.Labels) != 0 || changed.HasTOTP {
		g.Errorf("the changed user is %+v", changed)
	}
	read, err := g.Farm.Lease(g.Context(), lease.ID)
	g.must(err)
	if read.Users[0].Password != password || read.Users[0].HasTOTP {
		g.Error("the lease shows the user as it was before")
	}
	labels, empty := nil, domain.Secret{}
	_, err = g.Farm.ChangeUser(g.Context(), user.ID, domain.Change{Labels: &labels, Password: &empty})
	g.wantFields("a change", err, "/password")
}

func userIsRemoved(g *guest) {
	free, locked := g.create(), g.create()
	g.acquire(g.named(locked))
	g.must(g.Farm.RemoveUser(g.Context(), free.ID, ""))
	_, err := g.Farm.User(g.Context(), free.ID)
	g.wantErr("read of a removed user", err, domain.ErrUserNotFound)
	g.wantErr("remove of a locked user", g.Farm.RemoveUser(g.Context(), locked.ID, ""), domain.ErrUserLocked)
}

func userIsUnknown(g *guest) {
	for _, id := range []domain.UserID{{9}, {}} {
		_, err := g.Farm.User(g.Context(), id)
		g.wantErr("read", err, domain.ErrUserNotFound)
		_, err = g.Farm.ChangeUser(g.Context(), id, domain.Change{})
		g.wantErr("change", err, domain.ErrUserNotFound)
		g.wantErr("remove", g.Farm.RemoveUser(g.Context(), id, ""), domain.ErrUserNotFound)
		_, err = g.Farm.Quarantine(g.Context(), id, "x")
		g.wantErr("quarantine", err, domain.ErrUserNotFound)
		_, err = g.Farm.Restore(g.Context(), id, "x")
		g.wantErr("restore", err, domain.ErrUserNotFound)
		_, err = g.Farm.ForceRelease(g.Context(), id, 0, "x")
		g.wantErr("force release", err, domain.ErrUserNotFound)
	}
}

func accountsAreYielded(g *guest) {
	var want []domain.Account
	for range 3 {
		view, password := g.createWithPassword(withRole("admin"))
		want = append(want, domain.Account{View: view, Password: password})
	}
	g.acquire(domain.Selector{UserID: want[1].ID})
	want[1].View = g.user(want[1].ID)
	var got []domain.Account
	for account, err := range g.Farm.AllAccounts(g.Context()) {
		g.must(err)
		got = append(got, account)
	}
	g.wantEqual("all accounts", got, want)
	for account, err := range g.Farm.AllAccounts(g.Context()) { // a caller may stop
		g.must(err)
		g.wantEqual("the first account", account, want[0])
		break
	}
}
