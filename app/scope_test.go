package app_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/userfarm/userfarm/adapters/memory"
	"github.com/userfarm/userfarm/app"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

var foreignStage = domain.Pool{ProjectID: domain.ProjectID{2}, Env: "foreign-stage", Domain: "foreign"}

// twoProjects is a farm with two projects, and the same farm for a caller whose API key is for the first project only.
type twoProjects struct {
	farm *app.Farm
	ours *app.Farm
	key  domain.APIKeyID
}

func newTwoProjects(t *testing.T) twoProjects {
	t.Helper()
	farm := mustNew(memory.New(), settings)
	key, _, err := farm.CreateKey(t.Context(), domain.KeySpec{Name: "ours", Role: domain.Admin, Scope: domain.Only(stage.ProjectID)})
	if err != nil {
		t.Fatal(err)
	}
	return twoProjects{farm: farm, ours: farm.For(key.Caller()), key: key.ID}
}

func createForeign(t *testing.T, farm *app.Farm, login string) domain.UserID {
	t.Helper()
	foreign := spec(login)
	foreign.Pool, foreign.TOTP = foreignStage, testTOTP(t)
	view, err := farm.CreateUser(t.Context(), foreign, noKey)
	if err != nil {
		t.Fatal(err)
	}
	return view.ID
}

// things are the ids and names that a caller can pass in a call.
type things struct {
	user    domain.UserID
	lease   domain.LeaseID
	key     domain.APIKeyID
	project domain.ProjectID
	pool    string // the name of an environment and of a domain
}

// methods calls each method of a farm with things.
var methods = map[string]func(ctx context.Context, farm ports.Farm, x things) (any, error){
	"Acquire": func(ctx context.Context, farm ports.Farm, x things) (any, error) {
		var answers []any
		var refusals []error
		for _, want := range []domain.Selector{
			{UserID: x.user}, {ProjectID: x.project}, {Env: x.pool}, {Domain: x.pool}, {Labels: domain.Labels{"of": x.pool}},
		} {
			for _, wait := range []time.Duration{0, time.Minute} {
				lease, err := farm.Acquire(ctx, []domain.Selector{want}, domain.Terms{Wait: wait}, noKey)
				answers, refusals = append(answers, lease), append(refusals, err)
			}
		}
		return answers, errors.Join(refusals...)
	},
	"Lease": func(ctx context.Context, farm ports.Farm, x things) (any, error) { return farm.Lease(ctx, x.lease) },
	"Renew": func(ctx context.Context, farm ports.Farm, x things) (any, error) { return farm.Renew(ctx, x.lease, 0) },
	"OneTimeCode": func(ctx context.Context, farm ports.Farm, x things) (any, error) {
		return farm.OneTimeCode(ctx, x.lease, x.user, domain.CodeTerms{Wait: time.Minute})
	},
	"Session": func(ctx context.Context, farm ports.Farm, x things) (any, error) {
		return farm.Session(ctx, x.lease, x.user)
	},
	"SaveSession": func(ctx context.Context, farm ports.Farm, x things) (any, error) {
		return farm.SaveSession(ctx, x.lease, x.user, domain.NewSession{Text: domain.NewSecret("cookies")})
	},
	"DropSession": func(ctx context.Context, farm ports.Farm, x things) (any, error) {
		return nil, farm.DropSession(ctx, x.lease, x.user)
	},
	"Release": func(ctx context.Context, farm ports.Farm, x things) (any, error) {
		return nil, farm.Release(ctx, x.lease, domain.Fault{UserID: x.user, Reason: "broken"})
	},
	"LockOpen": func(ctx context.Context, farm ports.Farm, x things) (any, error) { return farm.LockOpen(ctx, x.user) },
	"ReleaseOpen": func(ctx context.Context, farm ports.Farm, x things) (any, error) {
		return nil, farm.ReleaseOpen(ctx, x.user)
	},
	"CreateUser": func(ctx context.Context, farm ports.Farm, x things) (any, error) {
		created := spec("carol") // the login is taken in the foreign project
		created.Pool = domain.Pool{ProjectID: x.project, Env: x.pool, Domain: x.pool}
		return farm.CreateUser(ctx, created, noKey)
	},
	"ImportUsers": func(ctx context.Context, farm ports.Farm, x things) (any, error) {
		row := domain.ImportRow{Login: "carol", Pool: domain.Pool{ProjectID: x.project, Env: x.pool}} // the login is taken in the foreign project
		return farm.ImportUsers(ctx, domain.ImportPart{Rows: []domain.ImportRow{row}, DryRun: true})
	},
	"FinishImport": func(ctx context.Context, farm ports.Farm, _ things) (any, error) {
		return farm.FinishImport(ctx, domain.ImportID{1}, 1)
	},
	"ExportUsers": func(ctx context.Context, farm ports.Farm, x things) (any, error) {
		return farm.ExportUsers(ctx, ports.Query{ProjectID: x.project, Limit: 100})
	},
	"User": func(ctx context.Context, farm ports.Farm, x things) (any, error) { return farm.User(ctx, x.user) },
	"Users": func(ctx context.Context, farm ports.Farm, x things) (any, error) {
		byProject, err := farm.Users(ctx, ports.Query{ProjectID: x.project, Limit: 100})
		byEnv, envErr := farm.Users(ctx, ports.Query{Env: x.pool, Limit: 100})
		byLogin, loginErr := farm.Users(ctx, ports.Query{Login: "carol", Limit: 100})
		return []any{byProject, byEnv, byLogin}, errors.Join(err, envErr, loginErr)
	},
	"ChangeUser": func(ctx context.Context, farm ports.Farm, x things) (any, error) {
		return farm.ChangeUser(ctx, x.user, domain.Change{Labels: &domain.Labels{"a": "b"}})
	},
	"RemoveUser": func(ctx context.Context, farm ports.Farm, x things) (any, error) {
		return nil, farm.RemoveUser(ctx, x.user, "")
	},
	"AllAccounts": func(ctx context.Context, farm ports.Farm, _ things) (any, error) {
		for account, err := range farm.AllAccounts(ctx) {
			if err != nil || account.Pool != stage {
				return account, err
			}
		}
		return nil, nil
	},
	"Quarantine": func(ctx context.Context, farm ports.Farm, x things) (any, error) {
		return farm.Quarantine(ctx, x.user, "broken")
	},
	"Restore": func(ctx context.Context, farm ports.Farm, x things) (any, error) {
		return farm.Restore(ctx, x.user, "")
	},
	"ForceRelease": func(ctx context.Context, farm ports.Farm, x things) (any, error) {
		return farm.ForceRelease(ctx, x.user, 0, "it hangs")
	},
	"Advice": func(ctx context.Context, farm ports.Farm, x things) (any, error) {
		advice, err := farm.Advice(ctx, ports.AdviceQuery{ProjectID: x.project, Env: x.pool})
		advice.Since, advice.Until = time.Time{}, time.Time{}
		return advice, err
	},
	"Pools": func(ctx context.Context, farm ports.Farm, _ things) (any, error) { return farm.Pools(ctx) },
	"Line": func(ctx context.Context, farm ports.Farm, _ things) (any, error) {
		line, total, err := farm.Line(ctx, 100)
		return fmt.Sprint(line, total), err
	},
	"Projects": func(ctx context.Context, farm ports.Farm, _ things) (any, error) { return farm.Projects(ctx) },
	"ProjectNames": func(ctx context.Context, farm ports.Farm, _ things) (any, error) {
		return farm.ProjectNames(ctx)
	},
	"NameProject": func(ctx context.Context, farm ports.Farm, x things) (any, error) {
		return nil, farm.NameProject(ctx, domain.Project{ID: x.project, Name: "theirs"}, "") // the name that the foreign project has
	},
	"Events": func(ctx context.Context, farm ports.Farm, x things) (any, error) {
		byUser, err := farm.Events(ctx, ports.EventQuery{UserID: x.user, Limit: 100})
		byProject, projectErr := farm.Events(ctx, ports.EventQuery{ProjectID: x.project, Limit: 100})
		byLogin, loginErr := farm.Events(ctx, ports.EventQuery{Login: "carol", Limit: 100})
		byEnv, envErr := farm.Events(ctx, ports.EventQuery{Env: x.pool, Limit: 100})
		return []any{byUser, byProject, byLogin, byEnv}, errors.Join(err, projectErr, loginErr, envErr)
	},
	"CreateKey": func(ctx context.Context, farm ports.Farm, x things) (any, error) {
		key, _, err := farm.CreateKey(ctx, domain.KeySpec{Name: "x", Role: domain.Viewer, Scope: domain.Only(x.project, stage.ProjectID)})
		return key, err
	},
	"Key": func(ctx context.Context, farm ports.Farm, x things) (any, error) { return farm.Key(ctx, x.key) },
	"Keys": func(ctx context.Context, farm ports.Farm, _ things) (any, error) {
		return farm.Keys(ctx, ports.KeyQuery{Limit: 100})
	},
	"RevokeKey": func(ctx context.Context, farm ports.Farm, x things) (any, error) {
		return farm.RevokeKey(ctx, x.key, "")
	},
}

func TestForeignIDsAreAnsweredLikeUnknownIDs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newTwoProjects(t)
		ann, carol := create(t, n.farm, "ann"), createForeign(t, n.farm, "carol")
		dave, bob := createForeign(t, n.farm, "dave"), create(t, n.farm, "bob")
		foreignKey, _, err := n.farm.CreateKey(t.Context(), domain.KeySpec{
			Name: "theirs", Role: domain.Admin, Scope: domain.Only(foreignStage.ProjectID),
		})
		if err != nil {
			t.Fatal(err)
		}
		wideKey, _, err := n.farm.CreateKey(t.Context(), domain.KeySpec{
			Name: "both", Role: domain.Admin, Scope: domain.Only(stage.ProjectID, foreignStage.ProjectID),
		})
		if err != nil {
			t.Fatal(err)
		}
		allKey, _, err := n.farm.CreateKey(t.Context(), domain.KeySpec{Name: "all", Role: domain.Admin})
		if err != nil {
			t.Fatal(err)
		}

		ended := acquire(t, n.farm, []domain.Selector{{UserID: carol}}, domain.Terms{})
		mixedEnded := acquire(t, n.farm, []domain.Selector{{UserID: ann}, {UserID: dave}}, domain.Terms{})
		for _, lease := range []domain.Lease{ended, mixedEnded} {
			if err := n.farm.Release(t.Context(), lease.ID); err != nil {
				t.Fatal(err)
			}
		}
		expired := acquire(t, n.farm, []domain.Selector{{UserID: carol}, {UserID: bob}}, domain.Terms{TTL: time.Minute})
		time.Sleep(time.Minute)
		acquire(t, n.farm, []domain.Selector{{UserID: bob}}, domain.Terms{}) // the expired lease has lost only one of its users
		held := acquire(t, n.farm, []domain.Selector{{UserID: dave}}, domain.Terms{})
		mixed := acquire(t, n.farm, []domain.Selector{{UserID: ann}, {UserID: createForeign(t, n.farm, "erin")}}, domain.Terms{})

		if err := n.farm.NameProject(t.Context(), domain.Project{ID: foreignStage.ProjectID, Name: "theirs"}, ""); err != nil {
			t.Fatal(err)
		}

		theirs := things{project: foreignStage.ProjectID, pool: foreignStage.Env}
		foreign := map[string]things{
			"a free user":         {user: carol, lease: ended.ID, key: foreignKey.ID},
			"an expired lease":    {user: carol, lease: expired.ID, key: foreignKey.ID},
			"a held user":         {user: dave, lease: held.ID, key: wideKey.ID},
			"a shared lease":      {user: mixed.Users[1].ID, lease: mixed.ID, key: allKey.ID},
			"a lease that ended":  {user: dave, lease: mixedEnded.ID, key: allKey.ID},
			"our user in a lease": {user: ann, lease: mixed.ID},
		}
		never := things{
			user: domain.UserID{9}, lease: domain.NewLeaseID(), key: domain.APIKeyID{9}, project: domain.ProjectID{9}, pool: "nowhere",
		}
		before := everything(t, n.farm)
		for name, method := range methods {
			want, wantErr := method(t.Context(), n.ours, never)
			for of, x := range foreign {
				if x.user == ann && !slices.Contains(ofLeases, name) {
					continue // the user itself is ours
				}
				x.project, x.pool = theirs.project, theirs.pool
				began := time.Now()
				got, err := method(t.Context(), n.ours, x)
				answer, want := answerTo(x, got, err), answerTo(never, want, wantErr)
				if answer != want {
					t.Errorf("%s with %s returns\n%s\nand with unknown ids\n%s", name, of, answer, want)
				}
				if !time.Now().Equal(began) {
					t.Errorf("%s with %s waited, although the user does not exist for the caller", name, of)
				}
			}
		}
		if after := everything(t, n.farm); after != before {
			t.Errorf("the calls changed the farm from\n%s\nto\n%s", before, after)
		}
	})
}

// everything prints all data of the farm.
// answerTo returns an answer as a text in which the name of the pool, which it may quote, is not told.
func answerTo(x things, answer any, err error) string {
	return strings.ReplaceAll(fmt.Sprintf("%+v; %v", answer, err), x.pool, "the pool")
}

func everything(t *testing.T, farm *app.Farm) string {
	t.Helper()
	var accounts []domain.Account
	for account, err := range farm.AllAccounts(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		account.Lock = nil // a pointer; the history records the lock
		accounts = append(accounts, account)
	}
	keys, err := farm.Keys(t.Context(), ports.KeyQuery{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%+v\n%+v\n%+v", accounts, events(t, farm, ports.EventQuery{Limit: 1000}), keys)
}

// ofLeases are the methods that take a lease.
var ofLeases = []string{"Lease", "Renew", "Release", "OneTimeCode", "Session", "SaveSession", "DropSession"}

func TestEveryMethodOfAFarmIsCalledWithForeignIDs(t *testing.T) {
	farm := reflect.TypeFor[ports.Farm]()
	for i := range farm.NumMethod() {
		if name := farm.Method(i).Name; methods[name] == nil {
			t.Errorf("%s is not called", name)
		}
	}
}

func TestListsHaveOnlyWhatIsInScope(t *testing.T) {
	n := newTwoProjects(t)
	createForeign(t, n.farm, "carol")
	ann := create(t, n.farm, "ann")
	createForeign(t, n.farm, "ann")
	acquire(t, n.farm, []domain.Selector{{Env: foreignStage.Env}}, domain.Terms{Owner: "ci"})
	acquire(t, n.farm, []domain.Selector{{UserID: ann}}, domain.Terms{Owner: "ci"})

	if page, err := n.ours.Users(t.Context(), ports.Query{Limit: 1}); err != nil || len(page.Users) != 1 || page.Users[0].ID != ann || !page.Next.IsZero() {
		t.Errorf("users = %+v, %v", page, err)
	}
	var accounts []domain.UserID
	for account, err := range n.ours.AllAccounts(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		accounts = append(accounts, account.ID)
	}
	if !slices.Equal(accounts, []domain.UserID{ann}) {
		t.Errorf("accounts = %v, want ann's", accounts)
	}
	if pools, err := n.ours.Pools(t.Context()); err != nil || len(pools) != 1 || pools[0].Pool != stage || pools[0].Locked != 1 {
		t.Errorf("pools = %+v, %v", pools, err)
	}
	if got := events(t, n.ours, ports.EventQuery{Owner: "ci", Limit: 10}); len(got) != 1 || got[0].UserID != ann {
		t.Errorf("events of the owner = %+v", got)
	}
	wider := n.farm.For(domain.Caller{Scope: domain.Only(stage.ProjectID, foreignStage.ProjectID)})
	if page, err := wider.Users(t.Context(), ports.Query{Scope: domain.Only(), Limit: 10}); err != nil || len(page.Users) != 3 {
		t.Errorf("users of both projects = %+v, %v; want the scope of the caller", page, err)
	}
}

func TestNamingAForeignProjectIsForbidden(t *testing.T) {
	n := newTwoProjects(t)
	createForeign(t, n.farm, "carol")
	for _, project := range []domain.ProjectID{foreignStage.ProjectID, {9}} { // one with users, one without
		created := spec("bob")
		created.Pool.ProjectID = project
		_, err := n.ours.CreateUser(t.Context(), created, noKey)
		wantForbidden(t, err, "/project_id")
		_, err = n.ours.Users(t.Context(), ports.Query{ProjectID: project, Limit: 1})
		wantForbidden(t, err, "/project_id")
		_, err = n.ours.Events(t.Context(), ports.EventQuery{ProjectID: project, Limit: 1})
		wantForbidden(t, err, "/project_id")
		_, err = n.ours.Acquire(t.Context(), []domain.Selector{{ProjectID: project}, anyone[0], {ProjectID: project}}, domain.Terms{}, noKey)
		wantForbidden(t, err, "/users/0/project_id", "/users/2/project_id")
		_, _, err = n.ours.CreateKey(t.Context(), domain.KeySpec{Name: "x", Role: domain.Viewer, Scope: domain.Only(project)})
		wantForbidden(t, err, "/projects")
	}
}

func wantForbidden(t *testing.T, err error, want ...string) {
	t.Helper()
	forbidden, ok := errors.AsType[*domain.ForbiddenError](err)
	if !ok || !errors.Is(err, domain.ErrForbidden) {
		t.Errorf("error = %v, want one that forbids %v", err, want)
		return
	}
	var got []string
	for _, f := range forbidden.Fields {
		got = append(got, f.Pointer)
	}
	if !slices.Equal(got, want) {
		t.Errorf("forbidden = %v, want %v", got, want)
	}
}

func TestAnAcquireGetsUsersOfItsScopeOnly(t *testing.T) {
	n := newTwoProjects(t)
	createForeign(t, n.farm, "carol") // a caller with both projects would get this user first
	bob := create(t, n.farm, "bob")
	for _, want := range []domain.Selector{{}, {UserID: bob}, anyone[0], anyone[0].In(domain.Only(stage.ProjectID, foreignStage.ProjectID))} {
		lease := acquire(t, n.ours, []domain.Selector{want}, domain.Terms{})
		if got := lease.Users[0].ID; got != bob {
			t.Errorf("%+v got %+v, want bob", want, lease.Users[0])
		}
		_, err := n.ours.Acquire(t.Context(), []domain.Selector{{}}, domain.Terms{}, noKey)
		if !errors.Is(err, domain.ErrPoolExhausted) {
			t.Errorf("one more = %v", err)
		}
		if err := n.ours.Release(t.Context(), lease.ID); err != nil {
			t.Error(err)
		}
	}

	third := spec("dave")
	third.Pool.ProjectID = domain.ProjectID{3}
	if _, err := n.farm.CreateUser(t.Context(), third, noKey); err != nil {
		t.Fatal(err)
	}
	two := n.farm.For(domain.Caller{Scope: domain.Only(stage.ProjectID, domain.ProjectID{3})})
	lease := acquire(t, two, []domain.Selector{{}, {}}, domain.Terms{})
	if one, other := lease.Users[0].Login, lease.Users[1].Login; min(one, other) != "bob" || max(one, other) != "dave" {
		t.Errorf("the caller with two projects got %s and %s", one, other)
	}
	if _, err := n.ours.Lease(t.Context(), lease.ID); !errors.Is(err, domain.ErrLeaseNotFound) {
		t.Errorf("the lease for the caller with one project = %v", err)
	}
}

func TestASelectorInAScopeOfOneProjectNamesTheProject(t *testing.T) {
	store := &claims{Store: memory.New()}
	farm := mustNew(store, settings)
	create(t, farm, "ann")
	one, two := domain.Only(stage.ProjectID), domain.Only(stage.ProjectID, foreignStage.ProjectID)
	foreign, third := domain.Only(foreignStage.ProjectID), domain.Only(domain.ProjectID{3})
	for _, c := range []struct {
		scope domain.Scope
		want  domain.Selector
		asks  domain.Selector
	}{
		{domain.Scope{}, domain.Selector{}, domain.Selector{}},
		{one, domain.Selector{}, anyone[0]},
		{one, anyone[0], anyone[0]},
		{one, domain.Selector{UserID: domain.UserID{9}}, domain.Selector{UserID: domain.UserID{9}}.In(one)},
		{two, domain.Selector{}, domain.Selector{}.In(two)},
		{two, anyone[0], anyone[0]},
		{domain.Scope{}, domain.Selector{}.In(one), domain.Selector{}.In(one)},
		{one, anyone[0].In(two), anyone[0].In(two)},
		{two, domain.Selector{}.In(foreign), domain.Selector{}.In(foreign)},
		{two, domain.Selector{}.In(third), domain.Selector{}.In(domain.Only())},
		{domain.Only(), domain.Selector{}, domain.Selector{}.In(domain.Only())},
	} {
		_, _ = farm.For(domain.Caller{Scope: c.scope}).Acquire(t.Context(), []domain.Selector{c.want}, domain.Terms{}, noKey)
		if got := store.latest.Want; len(got) != 1 || !got[0].Equal(c.asks) {
			t.Errorf("%+v of %+v asks the store for %+v, want %+v", c.want, c.scope, got, c.asks)
		}
	}
}

// claims is a store that keeps the arguments of the latest calls.
type claims struct {
	ports.Store
	latest ports.Claim
	added  domain.Once
}

func (s *claims) Claim(ctx context.Context, claim ports.Claim) ([]*domain.User, error) {
	s.latest = claim
	return s.Store.Claim(ctx, claim)
}

func (s *claims) Add(ctx context.Context, once domain.Once, users ...*domain.User) error {
	s.added = once
	return s.Store.Add(ctx, once, users...)
}

func TestALeaseWithForeignUsersCantBeForced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newTwoProjects(t)
		ann, carol := create(t, n.farm, "ann"), createForeign(t, n.farm, "carol")
		lease := acquire(t, n.farm, []domain.Selector{{UserID: ann}, {UserID: carol}}, domain.Terms{TTL: time.Minute})
		before := everything(t, n.farm)
		if _, err := n.ours.ForceRelease(t.Context(), ann, 0, ""); !errors.Is(err, domain.ErrForbidden) {
			t.Errorf("force release = %v", err)
		}
		if _, err := n.farm.Lease(t.Context(), lease.ID); err != nil || everything(t, n.farm) != before {
			t.Errorf("force release changed the lease: %v", err)
		}
		time.Sleep(time.Minute) // then the lease is over
		if view, err := n.ours.ForceRelease(t.Context(), ann, 0, ""); err != nil || view.Status != domain.Free {
			t.Errorf("force release of a lease that is over = %+v, %v", view, err)
		}
	})
}

func TestForceReleaseFollowsALockThatLeavesALeaseOfForeignUsers(t *testing.T) {
	store := &hookedStore{Store: memory.New()}
	farm := mustNew(store, settings)
	ann, carol := create(t, farm, "ann"), createForeign(t, farm, "carol")
	lease := acquire(t, farm, []domain.Selector{{UserID: ann}, {UserID: carol}}, domain.Terms{})
	store.once = func() {
		if err := farm.Release(t.Context(), lease.ID); err != nil {
			t.Error(err)
		}
		acquire(t, farm, []domain.Selector{{UserID: ann}}, domain.Terms{})
	}
	ours := farm.For(domain.Caller{Scope: domain.Only(stage.ProjectID)})
	if view, err := ours.ForceRelease(t.Context(), ann, 0, ""); err != nil || view.Status != domain.Free {
		t.Errorf("force release = %+v, %v", view, err)
	}
}

func TestTheHistoryHasTheAPIKeyOfTheCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newTwoProjects(t)
		must := func(_ any, err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		id := create(t, n.ours, "ann")
		lease := acquire(t, n.ours, anyone, domain.Terms{})
		must(n.ours.Renew(t.Context(), lease.ID, 0))
		must(nil, n.ours.Release(t.Context(), lease.ID))
		must(n.ours.Quarantine(t.Context(), id, "broken"))
		must(n.ours.Restore(t.Context(), id, ""))
		must(n.ours.LockOpen(t.Context(), id))
		must(nil, n.ours.ReleaseOpen(t.Context(), id))
		must(n.ours.LockOpen(t.Context(), id))
		must(n.ours.ForceRelease(t.Context(), id, 0, ""))
		acquire(t, n.ours, anyone, domain.Terms{TTL: time.Minute})
		time.Sleep(time.Minute)
		must(nil, n.ours.RemoveUser(t.Context(), id, ""))

		got := events(t, n.farm, ports.EventQuery{UserID: id, Limit: 100})
		for _, e := range got {
			want, name := n.key, "ours"
			if e.Kind == domain.UserExpired {
				want, name = domain.APIKeyID{}, ""
			}
			if e.Key != want || e.KeyName != name {
				t.Errorf("%s has the key %v, named %q", e.Kind, e.Key, e.KeyName)
			}
		}
		if len(got) != 13 {
			t.Errorf("%d events, want 13", len(got))
		}
	})
}

// unreadable is a store that can't read the secrets of users.
type unreadable struct{ ports.Store }

func (s unreadable) refuse(project domain.ProjectID) error {
	return fmt.Errorf("store: %w", &ports.UnreadableError{ProjectID: project, Err: ports.ErrUnsealable})
}

func (s unreadable) Update(context.Context, ports.Target, ports.Decide) ([]*domain.User, error) {
	return nil, s.refuse(foreignStage.ProjectID)
}

func TestAForeignUserThatCantBeReadDoesNotExist(t *testing.T) {
	farm := mustNew(unreadable{memory.New()}, settings)
	for project, want := range map[domain.ProjectID]error{
		stage.ProjectID: domain.ErrUserNotFound, foreignStage.ProjectID: ports.ErrUnsealable,
	} {
		caller := domain.Caller{Role: domain.Admin, Scope: domain.Only(project)}
		_, err := farm.For(caller).Quarantine(t.Context(), domain.UserID{1}, "broken")
		if !errors.Is(err, want) {
			t.Errorf("for a caller of %v: %v, want %v", project, err, want)
		}
	}
}
