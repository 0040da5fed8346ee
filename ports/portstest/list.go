package portstest

import (
	"fmt"
	"slices"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

var listTests = []storeTest{
	{"lists no user in an empty store", listEmpty},
	{"lists users as they are, in the order of their ids", listAll},
	{"filters by every field and by all together", listFields},
	{"filters by labels, all of them and exactly", listLabels},
	{"filters by the status at the store's time", listStatus},
	{"reports whether there are more", listMore},
	{"pages without skipping or repeating a user while users are added and removed", listWhileChanging},
	{"pages through a filter", listFilteredPages},
	{"filters by the owner of the lock that holds a user at the store's time", listOwner},
	{"lists and pages newest first", listNewestFirst},
	{"pages newest first without skipping or repeating a user while users are added and removed", listNewestWhileChanging},
	{"pages through many pools and sets of labels", listManyPools},
}

func listEmpty(f *farm) {
	page, err := f.store.List(f.Context(), ports.Query{Limit: 10})
	f.must(err)
	if len(page.Users) != 0 || page.More {
		f.Fatalf("an empty store lists %d users, more: %v", len(page.Users), page.More)
	}
}

func listAll(f *farm) {
	users := f.addMany(20, withLabels(domain.Labels{"k": "v"}))
	f.acquire(named(users[3]))
	f.must(f.quarantine(users[4].ID(), "broken"))
	page, err := f.store.List(f.Context(), ports.Query{Limit: 1000})
	f.must(err)
	f.wantIDs("list", ids(page.Users), sorted(users))
	for _, u := range page.Users {
		f.wantSame(u, f.get(u.ID()))
	}
}

func listFields(f *farm) {
	type entry struct {
		ports.Query
		id domain.UserID
	}
	var everyone []entry
	for _, project := range []domain.ProjectID{projectA, projectB} {
		for _, env := range []string{"staging", "stag"} {
			for _, name := range []string{"shop", "shop.example"} {
				u := f.add(withLogin("login at "+name), in(domain.Pool{ProjectID: project, Env: env, Domain: name}))
				q := ports.Query{ProjectID: project, Env: env, Domain: name, Login: "login at " + name}
				everyone = append(everyone, entry{q, u.ID()})
			}
		}
	}
	// Every subset of the four fields, with the values of every user.
	for fields := range 16 {
		for _, full := range everyone {
			q := ports.Query{}
			if fields&1 > 0 {
				q.ProjectID = full.ProjectID
			}
			if fields&2 > 0 {
				q.Env = full.Env
			}
			if fields&4 > 0 {
				q.Domain = full.Domain
			}
			if fields&8 > 0 {
				q.Login = full.Login
			}
			var want []domain.UserID
			for _, have := range everyone {
				if (q.ProjectID.IsZero() || q.ProjectID == have.ProjectID) && (q.Env == "" || q.Env == have.Env) &&
					(q.Domain == "" || q.Domain == have.Domain) && (q.Login == "" || q.Login == have.Login) {
					want = append(want, have.id)
				}
			}
			slices.SortFunc(want, compareIDs)
			f.wantIDs(fmt.Sprintf("list %+v", q), f.list(q), want)
		}
	}
	for _, q := range []ports.Query{
		{ProjectID: domain.ProjectID{1}}, {Env: "STAGING"}, {Domain: "sho"}, {Login: "login"}, {Login: "login at %"},
	} {
		f.wantIDs(fmt.Sprintf("list %+v", q), f.list(q), nil)
	}
}

func listLabels(f *farm) {
	admin := f.add(withLabels(domain.Labels{"role": "admin", "plan": "free", "empty": ""}))
	paying := f.add(withLabels(domain.Labels{"role": "admin", "plan": "paid"}))
	f.add()
	for _, c := range []struct {
		labels domain.Labels
		want   []*domain.User
	}{
		{domain.Labels{"role": "admin"}, []*domain.User{admin, paying}},
		{domain.Labels{"role": "admin", "plan": "paid"}, []*domain.User{paying}},
		{domain.Labels{"empty": ""}, []*domain.User{admin}},
		{domain.Labels{"role": ""}, nil},
		{domain.Labels{"absent": ""}, nil},
		{domain.Labels{"role": "adm"}, nil},
		{domain.Labels{"role": "Admin"}, nil},
		{domain.Labels{"Role": "admin"}, nil},
		{domain.Labels{"admin": "role"}, nil},
		{domain.Labels{"role": "admin", "absent": "x"}, nil},
	} {
		f.wantIDs(fmt.Sprint("list ", c.labels), f.list(ports.Query{Labels: c.labels}), sorted(c.want))
	}
}

func listStatus(f *farm) {
	free, leased, open, broken, both := f.add(), f.add(), f.add(), f.add(), f.add()
	f.acquire(named(leased), named(both))
	f.must(f.lockOpen(open.ID(), 0))
	f.must(f.quarantine(broken.ID(), "broken"))
	f.must(f.quarantine(both.ID(), "broken"))

	want := func(status domain.Status, users ...*domain.User) {
		f.Helper()
		f.wantIDs("users "+string(status), f.list(ports.Query{Status: status}), sorted(users))
	}
	f.advance(ttl - instant)
	want(domain.Free, free)
	want(domain.Locked, leased, open)
	want(domain.Quarantined, broken, both)

	f.advance(instant)
	want(domain.Free, free, leased)
	want(domain.Locked, open)
	want(domain.Quarantined, broken, both)

	q := ports.Query{Status: domain.Free, Login: leased.Snapshot().Login, ProjectID: projectA}
	f.wantIDs("status and fields", f.list(q), []domain.UserID{leased.ID()})
}

func listMore(f *farm) {
	all := f.addInOrder(5)
	users, last := all[:4], all[4]
	f.must(f.quarantine(last.ID(), "broken"))
	for _, c := range []struct {
		q    ports.Query
		want []*domain.User
		more bool
	}{
		{ports.Query{Limit: 1}, users[:1], true},
		{ports.Query{Limit: 4}, users, true},
		{ports.Query{Limit: 5}, all, false},
		{ports.Query{Limit: 6}, all, false},
		{ports.Query{Limit: 4, Status: domain.Free}, users, false},
		{ports.Query{Limit: 3, Status: domain.Free}, users[:3], true},
		{ports.Query{Limit: 2, After: users[1].ID()}, users[2:], true},
		{ports.Query{Limit: 2, After: users[3].ID()}, []*domain.User{last}, false},
		{ports.Query{Limit: 2, After: last.ID()}, nil, false},
		{ports.Query{Limit: 2, After: domain.UserID{0xff}}, nil, false},
	} {
		page, err := f.store.List(f.Context(), c.q)
		f.must(err)
		f.wantIDs(fmt.Sprintf("list %+v", c.q), ids(page.Users), ids(c.want))
		if page.More != c.more {
			f.Fatalf("list %+v: more is %v, want %v", c.q, page.More, c.more)
		}
	}
}

func listWhileChanging(f *farm) {
	withID := func(group, number byte) *domain.User {
		s := f.build().Snapshot()
		s.ID = domain.UserID{0: group, 1: number}
		return domain.Restore(s)
	}
	const pages, perPage = 8, 3
	var staying []*domain.User
	for group := range byte(pages) {
		for number := range byte(perPage) {
			staying = append(staying, withID(group, 10*number+100))
		}
	}
	f.must(f.store.Add(f.Context(), domain.Once{}, staying...))

	seen := make(map[domain.UserID]int)
	after := domain.UserID{}
	for group, more := byte(0), true; more; group++ {
		page, err := f.store.List(f.Context(), ports.Query{After: after, Limit: perPage})
		f.must(err)
		for _, u := range page.Users {
			seen[u.ID()]++
			after = u.ID()
		}
		more = page.More
		if group < pages-1 {
			// This adds one user behind the cursor and two ahead of it, and then removes one of these two.
			f.must(f.store.Add(f.Context(), domain.Once{}, withID(0, group+1), withID(pages-1, group+1), withID(pages-1, 200+group)))
			if group > 0 {
				f.must(f.remove(domain.UserID{0: pages - 1, 1: group}))
			}
		}
	}
	for _, u := range staying {
		if seen[u.ID()] != 1 {
			f.Errorf("user %v was in %d pages", u.ID(), seen[u.ID()])
		}
	}
	for id, n := range seen {
		if n != 1 {
			f.Errorf("user %v was in %d pages", id, n)
		}
	}
}

func listFilteredPages(f *farm) {
	var want []domain.UserID
	for i, u := range f.addInOrder(30) {
		if i%3 == 0 {
			f.must(f.lockOpen(u.ID(), time.Hour))
			want = append(want, u.ID())
		}
	}
	var got []domain.UserID
	q := ports.Query{Status: domain.Locked, Limit: 4}
	for more := true; more; {
		page, err := f.store.List(f.Context(), q)
		f.must(err)
		if len(page.Users) == 0 {
			f.Fatal("an empty page says that there are more")
		}
		got = append(got, ids(page.Users)...)
		q.After, more = got[len(got)-1], page.More
	}
	f.wantIDs("pages", got, want)
}

func listOwner(f *farm) {
	leased, both, released, expired, quarantined, open := f.add(), f.add(), f.add(), f.add(), f.add(), f.add()
	other := f.add(in(domain.Pool{ProjectID: projectB, Env: "prod", Domain: "shop"}))
	f.acquireAs("ann", named(leased), named(other))
	f.must(f.release(f.acquireAs("ann", named(released)).ID))
	f.acquireAs("ann", named(quarantined))
	f.must(f.quarantine(quarantined.ID(), "broken"))
	f.acquireAs("bob", named(both))
	f.must(f.forceRelease(both.ID()))
	f.acquireAs("ann", named(both))
	f.must(f.lockOpen(open.ID(), time.Hour))
	lease, err := f.tryAcquireOn(domain.Terms{Owner: "ann", TTL: ttl / 2}, named(expired))
	f.must(err)

	want := func(q ports.Query, users ...*domain.User) {
		f.Helper()
		f.wantIDs(fmt.Sprintf("list %+v", q), f.list(q), sorted(users))
	}
	f.advance(ttl/2 - instant)
	want(ports.Query{Owner: "ann"}, leased, both, quarantined, other, expired)
	f.advance(instant)
	want(ports.Query{Owner: "ann"}, leased, both, quarantined, other)
	want(ports.Query{Owner: "ann", Status: domain.Locked}, leased, both, other)
	want(ports.Query{Owner: "ann", Status: domain.Free})
	want(ports.Query{Owner: "ann", Env: "prod"}, other)
	want(ports.Query{Owner: "ann", Scope: domain.Only(projectA)}, leased, both, quarantined)
	for _, owner := range []string{"bob", "Ann", "ann ", "nobody", "\x00"} {
		want(ports.Query{Owner: owner})
	}
	f.wantOver(lease.ID)
	f.advance(ttl / 2)
	want(ports.Query{Owner: "ann"})
}

func listNewestFirst(f *farm) {
	users := f.addInOrder(7)
	f.acquireAs("ann", named(users[1]), named(users[2]), named(users[5]))
	newest := slices.Clone(users)
	slices.Reverse(newest)
	f.wantIDs("newest first", f.list(ports.Query{NewestFirst: true}), ids(newest))
	f.wantIDs("after a user", f.list(ports.Query{NewestFirst: true, After: users[3].ID()}), ids(newest[4:]))
	f.wantIDs("after the oldest", f.list(ports.Query{NewestFirst: true, After: users[0].ID()}), nil)
	f.wantIDs("after an unknown id", f.list(ports.Query{NewestFirst: true, After: domain.UserID{0xff}}), ids(newest))

	var got []domain.UserID
	q := ports.Query{NewestFirst: true, Owner: "ann", Limit: 2}
	for more := true; more; {
		page, err := f.store.List(f.Context(), q)
		f.must(err)
		got = append(got, ids(page.Users)...)
		q.After, more = got[len(got)-1], page.More
	}
	f.wantIDs("pages", got, []domain.UserID{users[5].ID(), users[2].ID(), users[1].ID()})
}

func listNewestWhileChanging(f *farm) {
	staying := f.addInOrder(9)
	early := func(n int) *domain.User {
		s := f.build().Snapshot()
		s.ID = domain.UserID{0: 1, 14: 1, 15: byte(n)} // above the ids of those that stay
		return domain.Restore(s)
	}
	var got []domain.UserID
	q := ports.Query{NewestFirst: true, Limit: 2}
	for page, more := 0, true; more; page++ {
		listed, err := f.store.List(f.Context(), q)
		f.must(err)
		got = append(got, ids(listed.Users)...)
		q.After, more = got[len(got)-1], listed.More
		f.must(f.store.Add(f.Context(), domain.Once{}, early(page)))
		f.must(f.remove(q.After)) // the user that the next page begins after
	}
	slices.Reverse(staying)
	f.wantIDs("pages", got, ids(staying))
}

// There are more pools, and more sets of labels, than a store looks into at once.
func listManyPools(f *farm) {
	users := make([]*domain.User, 700)
	for i := range users {
		number := fmt.Sprint(i)
		users[i] = f.build(
			in(domain.Pool{ProjectID: projectA, Env: fmt.Sprint("e", i%130), Domain: "shop"}),
			withLabels(domain.Labels{"role": "worker", "team": fmt.Sprint(i % 7), "seat": number}))
	}
	f.must(f.store.Add(f.Context(), domain.Once{}, users...))
	for _, q := range []ports.Query{
		{ProjectID: projectA},
		{ProjectID: projectA, Status: domain.Free},
		{Domain: "shop", Env: "e5"},
		{Labels: domain.Labels{"role": "worker"}},
		{Labels: domain.Labels{"role": "worker", "team": "3"}, ProjectID: projectA},
		{Labels: domain.Labels{"role": "worker", "team": "3"}, Env: "e5"},
		{Labels: domain.Labels{"team": "3", "seat": "3"}},
		{Labels: domain.Labels{"team": "4", "seat": "3"}},
	} {
		want := domain.Selector{ProjectID: q.ProjectID, Env: q.Env, Domain: q.Domain, Labels: q.Labels}
		wanted := ids(slices.DeleteFunc(slices.Clone(users), func(u *domain.User) bool { return !want.Matches(u) }))
		slices.SortFunc(wanted, compareIDs)
		for _, q.NewestFirst = range []bool{false, true} {
			var got []domain.UserID
			q.After, q.Limit = domain.UserID{}, 150
			for more := true; more; {
				page, err := f.store.List(f.Context(), q)
				f.must(err)
				got = append(got, ids(page.Users)...)
				if more = page.More; more {
					q.After = got[len(got)-1]
				}
			}
			f.wantIDs(fmt.Sprintf("list %+v", q), got, wanted)
			slices.Reverse(wanted)
		}
	}
}
