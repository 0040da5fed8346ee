package portstest

import (
	"fmt"
	"slices"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

var scopeTests = []storeTest{
	{"lists only users in scope, with any other filter", scopeList},
	{"pages through the users in a scope", scopePages},
	{"returns only the history of users in scope", scopeHistory},
	{"pages through the history of users in scope", scopeHistoryPages},
	{"counts only pools in scope", scopeCounts},
	{"claims only users in scope", scopeClaims},
	{"claims users of several scopes at once", scopeClaimsMixed},
	{"does not find a user out of scope", scopeNamed},
	{"matches no user out of scope", scopeUnmatched},
	{"is exhausted when all users in scope are held", scopeExhausted},
}

// projectC has no users unless a test says so.
var projectC = domain.ProjectID{0: 0xc, 15: 1}

// scopes are none, one, several and all projects, and some that have no users.
var scopes = []domain.Scope{
	{},
	domain.Only(),
	domain.Only(projectA),
	domain.Only(projectB),
	domain.Only(projectC),
	domain.Only(projectB, projectA),
	domain.Only(projectC, projectB),
	domain.Only(projectC, projectA, projectB, domain.ProjectID{}),
	domain.Only(domain.ProjectID{0: 0xa}),
}

// within returns the selectors of a caller that may see only these projects.
func within(scope domain.Scope, want ...domain.Selector) []domain.Selector {
	limited := slices.Clone(want)
	for i := range limited {
		limited[i] = limited[i].In(scope)
	}
	return limited
}

// inProject puts a user into a project.
func inProject(project domain.ProjectID) func(*domain.Spec) {
	return func(s *domain.Spec) { s.Pool.ProjectID = project }
}

// addAcross adds users of two projects, of two roles and environments each, some of them held or broken.
func (f *farm) addAcross() {
	f.Helper()
	for _, project := range []domain.ProjectID{projectB, projectA} {
		for _, env := range []string{"staging", "production"} {
			for _, role := range []string{"admin", "plain", "plain"} {
				pool := domain.Pool{ProjectID: project, Env: env, Domain: "shop"}
				f.add(in(pool), withRole(role), withLogin(fmt.Sprint(role, " ", f.users%3)))
			}
		}
		f.acquireFor(time.Hour, domain.Selector{ProjectID: project, Env: "staging", Labels: domain.Labels{"role": "plain"}})
		f.must(f.quarantine(f.list(ports.Query{ProjectID: project, Status: domain.Free})[0], "broken"))
	}
}

func scopeList(f *farm) {
	f.addAcross()
	all, now := f.everyone(), f.now()
	for _, scope := range scopes {
		for _, q := range []ports.Query{
			{}, {ProjectID: projectA}, {ProjectID: projectC}, {Env: "staging"}, {Login: all[0].Snapshot().Login},
			{Status: domain.Free}, {Status: domain.Locked}, {Status: domain.Quarantined},
			{Labels: domain.Labels{"role": "admin"}}, {After: all[len(all)/2].ID()},
			{ProjectID: projectB, Env: "staging", Domain: "shop", Status: domain.Locked, Labels: domain.Labels{"role": "plain"}},
		} {
			q.Scope = scope
			var want []domain.UserID
			for _, u := range all {
				s := u.Snapshot()
				if scope.Has(s.Pool.ProjectID) && fits(s, q.ProjectID, q.Env, q.Domain, q.Labels) &&
					(q.Login == "" || q.Login == s.Login) && (q.Status == "" || q.Status == u.Status(now)) &&
					compareIDs(u.ID(), q.After) > 0 {
					want = append(want, u.ID())
				}
			}
			f.wantIDs(fmt.Sprintf("list %+v", q), f.list(q), want)
		}
	}
}

func scopePages(f *farm) {
	var want []domain.UserID
	for i := range 20 {
		project := []domain.ProjectID{projectA, projectB, projectC, projectB}[i%4]
		s := f.build(inProject(project)).Snapshot()
		s.ID = domain.UserID{0: 1, 15: byte(i + 1)}
		f.must(f.store.Add(f.Context(), domain.Once{}, domain.Restore(s)))
		if project != projectB {
			want = append(want, s.ID)
		}
	}
	for limit := 1; limit <= len(want)+1; limit++ {
		var got []domain.UserID
		q := ports.Query{Scope: domain.Only(projectC, projectA), Limit: limit}
		for more := true; more; {
			page, err := f.store.List(f.Context(), q)
			f.must(err)
			if page.More && len(page.Users) < limit {
				f.Fatalf("a page of up to %d users has %d and says that there are more", limit, len(page.Users))
			}
			if got, more = append(got, ids(page.Users)...), page.More; more {
				q.After = got[len(got)-1]
			}
		}
		f.wantIDs(fmt.Sprintf("pages of %d", limit), got, want)
	}
}

// makeHistory records events in three projects. The user of the last project is removed, so only its history is left.
func (f *farm) makeHistory() []*domain.User {
	f.Helper()
	var users []*domain.User
	for _, project := range []domain.ProjectID{projectA, projectB, projectC} {
		users = append(users, f.add(inProject(project)))
	}
	for _, owner := range []string{"ann", "bob"} {
		f.advance(instant)
		f.must(f.release(f.acquireAs(owner, named(users[1]), named(users[2]), named(users[0])).ID))
	}
	f.must(f.remove(users[2].ID()))
	return users
}

func scopeHistory(f *farm) {
	users := f.makeHistory()
	all := f.historyOf(ports.EventQuery{})
	middle := all[len(all)/2]
	for _, scope := range scopes {
		for _, q := range []ports.EventQuery{
			{}, {UserID: users[0].ID()}, {UserID: users[1].ID()}, {UserID: users[2].ID()}, {Owner: "bob"}, {Owner: "nobody"},
			{Since: middle.At}, {After: middle.ID}, {UserID: users[1].ID(), Owner: "ann", Since: middle.At, After: all[0].ID},
		} {
			q.Scope = scope
			var want []domain.Event
			for _, e := range all {
				if scope.Has(e.Pool.ProjectID) && (q.UserID.IsZero() || e.UserID == q.UserID) &&
					(q.Owner == "" || e.Owner == q.Owner) && !e.At.Before(q.Since) && e.ID > q.After {
					want = append(want, e.Event)
				}
			}
			f.wantHistory(q, want...)
		}
	}
}

func scopeHistoryPages(f *farm) {
	f.makeHistory()
	for _, scope := range scopes {
		all := f.historyOf(ports.EventQuery{Scope: scope})
		for limit := 1; limit <= len(all)+1; limit++ {
			f.wantPages(ports.EventQuery{Scope: scope}, limit, all)
		}
	}
}

func scopeCounts(f *farm) {
	f.addAcross()
	all, err := f.store.CountPools(f.Context(), domain.Scope{})
	f.must(err)
	if len(all) != 4 {
		f.Fatalf("%d pools, want 4", len(all))
	}
	for _, scope := range scopes {
		want := slices.DeleteFunc(slices.Clone(all), func(c domain.PoolCount) bool { return !scope.Has(c.Pool.ProjectID) })
		got, err := f.store.CountPools(f.Context(), scope)
		f.must(err)
		if !slices.Equal(got, want) {
			f.Fatalf("counts of %+v are\n\t%+v, want\n\t%+v", scope, got, want)
		}
	}
}

func scopeClaims(f *farm) {
	// In every order that a store could use, the users of the other project come first.
	f.addMany(3, inProject(projectB), withRole("admin"))
	f.advance(time.Second)
	admin, plain := f.add(withRole("admin")), f.add(withRole("plain"))
	for range 2 {
		f.use(admin)
		f.use(plain)
	}
	full := domain.Selector{ProjectID: projectA, Env: "staging", Domain: "shop", Labels: domain.Labels{"role": "admin"}}
	for _, scope := range []domain.Scope{domain.Only(projectA), domain.Only(projectC, projectA)} {
		for _, c := range []struct {
			want []domain.Selector
			gets []*domain.User
		}{
			{[]domain.Selector{role("admin")}, []*domain.User{admin}},
			{[]domain.Selector{role("plain"), role("admin")}, []*domain.User{plain, admin}},
			{[]domain.Selector{anyone, role("admin")}, []*domain.User{plain, admin}},
			{[]domain.Selector{named(plain), anyone}, []*domain.User{plain, admin}},
			{[]domain.Selector{full}, []*domain.User{admin}},
		} {
			lease := f.acquire(within(scope, c.want...)...)
			f.wantUsers(lease, c.gets...)
			f.must(f.release(lease.ID))
		}
		f.wantDistinct([]domain.Lease{f.acquire(within(scope, anyone, anyone)...)})
		f.must(f.forceRelease(admin.ID()))
		f.must(f.forceRelease(plain.ID()))
	}
	f.wantCounts(
		domain.PoolCount{Pool: admin.Snapshot().Pool, Total: 2, Free: 2},
		domain.PoolCount{Pool: domain.Pool{ProjectID: projectB, Env: "staging", Domain: "shop"}, Total: 3, Free: 3},
	)
}

func scopeClaimsMixed(f *farm) {
	users := map[domain.ProjectID]*domain.User{
		projectA: f.add(inProject(projectA)), projectB: f.add(inProject(projectB)), projectC: f.add(inProject(projectC)),
	}
	a, b := anyone.In(domain.Only(projectA)), anyone.In(domain.Only(projectA, projectB))
	for want := range orders(a, b, anyone) {
		lease := f.acquire(want...)
		for i, s := range want {
			project := projectC
			switch {
			case s.Equal(a):
				project = projectA
			case s.Equal(b):
				project = projectB
			}
			if lease.Users[i].ID != users[project].ID() {
				f.Fatalf("selector %d of %+v got %v", i, want, lease.Users[i].Pool)
			}
		}
		f.must(f.release(lease.ID))
	}
}

func scopeNamed(f *farm) {
	near, far := f.add(), f.add(inProject(projectB))
	scope := domain.Only(projectC, projectA)
	refused := func(what string) {
		f.Helper()
		f.wantRefused(domain.ErrUserNotFound, 0, within(scope, named(far))...)
		f.wantRefused(domain.ErrUserNotFound, 1, within(scope, anyone, named(far))...)
		f.wantRefused(domain.ErrUserNotFound, 1, within(scope, named(near), named(far))...)
		f.wantRefused(domain.ErrUserNotFound, 0, within(domain.Only(), named(near))...)
		unknown := f.build()
		_, never := f.tryAcquire(within(scope, named(near), named(unknown))...)
		_, hidden := f.tryAcquire(within(scope, named(near), named(far))...)
		if never.Error() != hidden.Error() {
			f.Fatalf("a caller can tell a user that is %s and out of scope (%q) from an unknown user (%q)", what, hidden, never)
		}
	}
	refused("free")
	lease := f.acquire(named(far))
	refused("held")
	f.must(f.release(lease.ID, domain.Fault{UserID: far.ID(), Reason: "broken"}))
	refused("in quarantine")
	f.wantUsers(f.acquire(within(scope, named(near))...), near)
	f.wantRefused(domain.ErrUserLocked, 0, within(scope, named(near))...)
	f.wantRefused(domain.ErrUserNotFound, 0, within(domain.Only(projectB), named(near))...)
}

func scopeUnmatched(f *farm) {
	f.add(withRole("admin"))
	f.addMany(3, inProject(projectB), withRole("plain"))
	here := domain.Only(projectA)
	f.wantUnmatched(domain.ErrNoMatch, []int{0}, within(here, role("plain"))...)
	f.wantUnmatched(domain.ErrNoMatch, []int{0}, within(here, domain.Selector{ProjectID: projectB})...)
	f.wantUnmatched(domain.ErrNoMatch, []int{1}, within(here, role("admin"), anyone)...)
	f.wantUnmatched(domain.ErrNoMatch, []int{0}, within(domain.Only(projectC), anyone)...)
	f.wantUnmatched(domain.ErrNoMatch, []int{0}, within(domain.Only(), anyone)...)
	f.wantUnmatched(domain.ErrNoMatch, []int{0, 1}, within(domain.Only(), role("admin"), role("plain"))...)
	f.acquire(within(here, role("admin"))...)
	f.wantUnmatched(domain.ErrNoMatch, []int{0}, within(here, role("plain"))...)
}

func scopeExhausted(f *farm) {
	u := f.add()
	free := f.add(inProject(projectB))
	here := domain.Only(projectC, projectA)
	lease := f.acquire(within(here, anyone)...)
	f.wantUsers(lease, u)
	f.wantUnmatched(domain.ErrPoolExhausted, []int{0}, within(here, anyone)...)
	f.wantUnmatched(domain.ErrPoolExhausted, []int{0}, within(here, domain.Selector{ProjectID: projectA})...)
	f.wantUsers(f.acquire(within(domain.Only(projectC, projectB), anyone)...), free)
	f.advance(ttl)
	f.wantUsers(f.acquire(within(here, anyone)...), u)
}
