package app_test

import (
	"context"
	"errors"
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

func TestAKeyIsCreatedReadAndRevoked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		farm, began := newFarm(t), time.Now()
		key, token, err := farm.CreateKey(t.Context(), domain.KeySpec{Name: "ci", Role: domain.Tester, TTL: time.Hour})
		if err != nil || key.Name != "ci" || key.Role != domain.Tester || key.Scope.Limited || key.Status != domain.KeyActive {
			t.Fatalf("create = %+v, %v", key, err)
		}
		if !key.CreatedAt.Equal(began) || !key.ExpiresAt.Equal(began.Add(time.Hour)) || key.Digest != token.Digest() {
			t.Errorf("create = %+v", key)
		}
		wantStatus := func(want domain.KeyStatus) {
			t.Helper()
			if read, err := farm.Key(t.Context(), key.ID); err != nil || read.Status != want || read.Name != "ci" {
				t.Errorf("read = %+v, %v; want it %s", read, err, want)
			}
		}
		wantStatus(domain.KeyActive)
		time.Sleep(time.Hour)
		wantStatus(domain.KeyExpired)
		revokedAt := time.Now()
		for range 2 {
			revoked, err := farm.RevokeKey(t.Context(), key.ID, "")
			if err != nil || revoked.Status != domain.KeyRevoked || !revoked.RevokedAt.Equal(revokedAt) {
				t.Errorf("revoke = %+v, %v; want it revoked at %v", revoked, err, revokedAt)
			}
			time.Sleep(time.Minute)
		}
		wantStatus(domain.KeyRevoked)
		if _, err := farm.Key(t.Context(), domain.APIKeyID{9}); !errors.Is(err, domain.ErrKeyNotFound) {
			t.Errorf("read of an unknown key = %v", err)
		}
		if _, err := farm.RevokeKey(t.Context(), domain.APIKeyID{9}, ""); !errors.Is(err, domain.ErrKeyNotFound) {
			t.Errorf("revocation of an unknown key = %v", err)
		}
	})
}

func TestABadKeyIsNotCreated(t *testing.T) {
	n := newTwoProjects(t)
	for _, farm := range []*app.Farm{n.farm, n.ours} {
		_, token, err := farm.CreateKey(t.Context(), domain.KeySpec{Scope: domain.Only(), TTL: -1})
		wantFields(t, err, "/name", "/role", "/projects", "/expires_in_seconds")
		if !token.IsZero() {
			t.Error("the rejected key got a token")
		}
	}
}

func TestAnAdminOfSomeProjectsManagesKeysOfThoseOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newTwoProjects(t)
		scopes := []domain.Scope{{}, domain.Only(stage.ProjectID), domain.Only(foreignStage.ProjectID), domain.Only(stage.ProjectID, foreignStage.ProjectID)}
		var theirs []domain.APIKeyID
		ours := []domain.APIKeyID{n.key}
		for range 3 {
			for _, scope := range scopes {
				time.Sleep(time.Millisecond)
				spec := domain.KeySpec{Name: "x", Role: domain.Admin, Scope: scope}
				key, _, err := n.farm.CreateKey(t.Context(), spec)
				if err != nil {
					t.Fatal(err)
				}
				if scope.Equal(domain.Only(stage.ProjectID)) {
					ours = append(ours, key.ID)
					continue
				}
				theirs = append(theirs, key.ID)
				_, _, err = n.ours.CreateKey(t.Context(), spec)
				wantForbidden(t, err, "/projects")
			}
		}
		for _, id := range theirs {
			if _, err := n.ours.RevokeKey(t.Context(), id, ""); !errors.Is(err, domain.ErrKeyNotFound) {
				t.Errorf("revocation of a foreign key = %v", err)
			}
			if key, err := n.farm.Key(t.Context(), id); err != nil || key.Status != domain.KeyActive {
				t.Errorf("a foreign key = %+v, %v", key, err)
			}
		}
		for limit := 1; limit <= len(ours)+1; limit++ {
			if got := allKeys(t, n.ours, limit); !slices.Equal(got, ours) {
				t.Errorf("with pages of %d, the keys are %v, want %v", limit, got, ours)
			}
		}
		if got := allKeys(t, n.farm, 2); len(got) != len(ours)+len(theirs) {
			t.Errorf("%d keys are listed, want all", len(got))
		}
		if _, err := n.ours.RevokeKey(t.Context(), ours[1], ""); err != nil {
			t.Errorf("revocation of an own key = %v", err)
		}
	})
}

// allKeys returns the ids of all listed keys. It fails the test if a page is empty, unless it is the only one.
func allKeys(t *testing.T, farm *app.Farm, limit int) []domain.APIKeyID {
	t.Helper()
	var ids []domain.APIKeyID
	for q := (ports.KeyQuery{Limit: limit}); ; {
		page, err := farm.Keys(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(page.Keys); n > limit || n < limit && !page.Next.IsZero() || n == 0 && len(ids) > 0 {
			t.Errorf("a page has %d keys of up to %d, and the next begins after %v", n, limit, page.Next)
		}
		for _, key := range page.Keys {
			ids = append(ids, key.ID)
		}
		if q.After = page.Next; q.After.IsZero() {
			return ids
		}
	}
}

func TestTheFirstAdminIsAdmittedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, token := newGateTest(t, true), domain.NewToken()
		for _, want := range []bool{true, false} {
			if added, err := e.farm.AdmitFirst(t.Context(), token); err != nil || added != want {
				t.Errorf("added = %v, %v; want %v", added, err, want)
			}
		}
		caller, _, err := e.gate.Enter(t.Context(), token)
		if err != nil || caller.Role != domain.Admin || caller.Name != "first admin" || caller.Scope.Limited {
			t.Errorf("enter = %+v, %v", caller, err)
		}
		if _, err := e.farm.RevokeKey(t.Context(), caller.Key, ""); err != nil {
			t.Fatal(err)
		}
		if added, err := e.farm.AdmitFirst(t.Context(), token); err != nil || added {
			t.Errorf("after it was revoked: added = %v, %v", added, err)
		}
		time.Sleep(time.Second)
		e.wantRejected(token)
		if got := allKeys(t, e.farm, 10); len(got) != 1 {
			t.Errorf("the farm has %d keys, want one", len(got))
		}
		history := events(t, e.farm, ports.EventQuery{Limit: 10})
		if len(history) != 2 || history[0].Kind != domain.APIKeyCreated || history[1].Kind != domain.APIKeyRevoked ||
			history[0].About != caller.Key || history[0].Name != "first admin" {
			t.Errorf("the history is %+v, want that the key was created and revoked", history)
		}
	})
}

func TestOnlyAdminsSeeEventsAboutKeys(t *testing.T) {
	n := newTwoProjects(t)
	scope := domain.Only(stage.ProjectID)
	as := func(role domain.Role) *app.Farm {
		return n.farm.For(domain.Caller{Key: n.key, Role: role, Scope: scope})
	}
	key, _, err := as(domain.Admin).CreateKey(t.Context(), domain.KeySpec{Name: "ci", Role: domain.Viewer, Scope: scope, Reason: "nightly"})
	if err != nil {
		t.Fatal(err)
	}
	if err := as(domain.Admin).NameProject(t.Context(), domain.Project{ID: stage.ProjectID, Name: "Shop"}, "a name"); err != nil {
		t.Fatal(err)
	}
	named := []domain.EventKind{domain.ProjectNamed}
	both := []domain.EventKind{domain.APIKeyCreated, domain.APIKeyCreated, domain.ProjectNamed} // the first one is that of ours
	for role, want := range map[domain.Role][]domain.EventKind{domain.Admin: both, domain.Tester: named, domain.Viewer: named, "": named} {
		for _, q := range []ports.EventQuery{{Limit: 10}, {Limit: 10, ProjectID: stage.ProjectID}, {Limit: 10, Kinds: both}} {
			var kinds []domain.EventKind
			all := events(t, as(role), q)
			for _, e := range all {
				kinds = append(kinds, e.Kind)
			}
			if !slices.Equal(kinds, want) {
				t.Errorf("a caller with the role %q sees %v, want %v", role, kinds, want)
			}
			if e := all[max(len(all)-2, 0)]; role == domain.Admin && (e.About != key.ID || e.Key != n.key || e.Reason != "nightly") {
				t.Errorf("the event of the key is %+v", e)
			}
			if e := all[len(all)-1]; e.Name != "Shop" || e.Key != n.key || e.Reason != "a name" {
				t.Errorf("the event of the name is %+v", e)
			}
		}
	}
}

func TestTwoKeysMayUseTheSameIdempotencyKey(t *testing.T) {
	farm := mustNew(memory.New(), settings)
	one := farm.For(domain.Caller{Key: domain.APIKeyID{1}})
	other := farm.For(domain.Caller{Key: domain.APIKeyID{2}, Scope: domain.Only(stage.ProjectID)})
	retry := newKey(t, "job 1")
	ids := make(map[domain.UserID]bool)
	leases := make(map[domain.LeaseID]bool)
	for i, farm := range []*app.Farm{farm, one, other} {
		login := strings.Repeat("x", i+1)
		for range 2 {
			view, err := farm.CreateUser(t.Context(), spec(login), retry)
			if err != nil || view.Login != login {
				t.Fatalf("create = %+v, %v; want %s", view, err, login)
			}
			ids[view.ID] = true
			lease, err := farm.Acquire(t.Context(), []domain.Selector{{}}, domain.Terms{}, retry)
			if err != nil {
				t.Fatal(err)
			}
			leases[lease.ID] = true
		}
	}
	if len(ids) != 3 || len(leases) != 3 {
		t.Errorf("the callers made %d users and %d leases, want three each", len(ids), len(leases))
	}
}

func TestAKeyDoesNotOutliveTheKeyThatMadeIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		farm := newFarm(t)
		maker, _, err := farm.CreateKey(t.Context(), domain.KeySpec{Name: "for a day", Role: domain.Admin, TTL: 24 * time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		asMaker := farm.For(maker.Caller())
		time.Sleep(time.Hour)
		for _, ttl := range []time.Duration{0, 23*time.Hour + time.Microsecond} {
			_, _, err := asMaker.CreateKey(t.Context(), domain.KeySpec{Name: "child", Role: domain.Viewer, TTL: ttl})
			wantForbidden(t, err, "/expires_in_seconds")
		}
		child, _, err := asMaker.CreateKey(t.Context(), domain.KeySpec{Name: "child", Role: domain.Viewer, TTL: 23 * time.Hour})
		if err != nil || child.CreatedBy != maker.ID {
			t.Errorf("a key with the same expiry = %+v, %v; want one made by %v", child, err, maker.ID)
		}
		if revoked, err := asMaker.RevokeKey(t.Context(), child.ID, ""); err != nil || revoked.RevokedBy != maker.ID {
			t.Errorf("revoke = %+v, %v; want it revoked by %v", revoked, err, maker.ID)
		}
	})
}

// keysFarm returns a farm with n active keys for the project of stage.
func keysFarm(t *testing.T, n int) *app.Farm {
	t.Helper()
	active := ports.ActiveKeys{Any: true, Keys: make([]domain.APIKey, n)}
	for i := range active.Keys {
		active.Keys[i] = domain.APIKey{Name: "one of many", Role: domain.Viewer, Scope: domain.Only(stage.ProjectID)}
	}
	return mustNew(manyKeys{memory.New(), active}, settings)
}

// manyKeys is a store with these active keys.
type manyKeys struct {
	ports.Store
	active ports.ActiveKeys
}

func (s manyKeys) ActiveKeys(context.Context) (ports.ActiveKeys, error) { return s.active, nil }

func TestTheNumberOfKeysIsLimited(t *testing.T) {
	spec := domain.KeySpec{Name: "one more", Role: domain.Viewer, Scope: domain.Only(stage.ProjectID)}
	ours := domain.Caller{Key: domain.APIKeyID{1}, Role: domain.Admin, Scope: domain.Only(stage.ProjectID)}
	theirs := domain.Caller{Key: domain.APIKeyID{2}, Role: domain.Admin, Scope: domain.Only(foreignStage.ProjectID)}
	for _, test := range []struct {
		name   string
		keys   int
		caller domain.Caller
		spec   domain.KeySpec
		want   error
	}{
		{"the last of all", domain.MaxKeys - 1, domain.Everybody(), spec, nil},
		{"one more than all", domain.MaxKeys, domain.Everybody(), spec, domain.ErrTooManyKeys},
		{"the last of a project", domain.MaxLimitedKeys - 1, ours, spec, nil},
		{"one more than those of a project", domain.MaxLimitedKeys, ours, spec, domain.ErrTooManyKeys},
		{"one of another project", domain.MaxLimitedKeys, theirs, domain.KeySpec{
			Name: "first", Role: domain.Viewer, Scope: domain.Only(foreignStage.ProjectID),
		}, nil},
	} {
		_, _, err := keysFarm(t, test.keys).For(test.caller).CreateKey(t.Context(), test.spec)
		if !errors.Is(err, test.want) {
			t.Errorf("%s = %v, want %v", test.name, err, test.want)
		}
	}
}
