package sqlite

import (
	"slices"
	"strings"
	"testing"

	"github.com/uptrace/bun"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// No list that few users match, and no count of users, reads the rows of all users.
func TestListsAndCountsOfUsersReadNoWholeFarm(t *testing.T) {
	store, reader, queries := openRecorded(t)
	project, admins := domain.ProjectID{1}, domain.Labels{"role": "admin"}
	for _, q := range []ports.Query{
		{Status: domain.Locked},
		{Status: domain.Quarantined, NewestFirst: true},
		{Status: domain.Free, ProjectID: project, Env: "e"},
		{Env: "e", After: domain.UserID{1}},
		{ProjectID: project, Env: "e", Domain: "d"},
		{Labels: admins},
		{ProjectID: project, Labels: domain.Labels{"role": "admin", "plan": "free"}, Status: domain.Locked},
		{Login: "ann"},
		{Login: "ann", ProjectID: project, Labels: admins},
		{Scope: domain.Only(project)},
	} {
		q.Limit = 10
		queries.statements = nil
		if _, err := store.List(t.Context(), q); err != nil {
			t.Fatal(err)
		}
		wantNoScanOfUsers(t, reader, queries.statements)
	}
	queries.statements = nil
	if _, err := store.CountPools(t.Context(), domain.Only(project)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := store.CountAlike(t.Context(), domain.Selector{}); err != nil {
		t.Fatal(err)
	}
	wantNoScanOfUsers(t, reader, queries.statements)
}

// wantNoScanOfUsers fails the test if a statement goes through all users, or all of a project.
func wantNoScanOfUsers(t *testing.T, db *bun.DB, statements []string) {
	t.Helper()
	seen := false
	for _, s := range statements {
		if !strings.Contains(s, "users") {
			continue
		}
		seen = true
		var steps []planStep
		if err := db.NewRaw("EXPLAIN QUERY PLAN ?", bun.Safe(s)).Scan(t.Context(), &steps); err != nil {
			t.Fatal(err)
		}
		if slices.ContainsFunc(steps, func(step planStep) bool {
			allOfProject := strings.HasPrefix(step.Detail, "SEARCH u ") && strings.HasSuffix(step.Detail, "(project_id=?)")
			return strings.HasPrefix(step.Detail, "SCAN u") || allOfProject
		}) {
			t.Errorf("the plan is %+v:\n%s", steps, s)
		}
	}
	if !seen {
		t.Error("no statement is about users")
	}
}
