package sqlite

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// A page of a list reads users in the order of their ids, from an index of those that may be on it.
func TestListsUseTheirIndexes(t *testing.T) {
	ctx := context.Background()
	store, queries, user := openRecorded(t)
	project, scope, admin := domain.ProjectID{1}, domain.Only(domain.ProjectID{1}, domain.ProjectID{2}), domain.Labels{"role": "admin"}
	const byID = "sqlite_autoindex_users_1"
	// What finds pools and sets of labels comes first, and what reads the users of the page last.
	inPools, withLabel := []string{"p", "users_pool (pool_id=?", byID}, []string{"l ", "users_labelled (label_set_id=?", byID}
	for _, test := range []struct {
		q    ports.Query
		want []string
	}{
		{ports.Query{}, []string{byID}},
		{ports.Query{Status: domain.Free}, []string{byID}},
		{ports.Query{ProjectID: project}, inPools},
		{ports.Query{Scope: scope}, inPools},
		{ports.Query{Env: "e", Domain: "d"}, inPools},
		{ports.Query{ProjectID: project, Env: "e", Domain: "d", Scope: scope, Status: domain.Free}, inPools},
		{ports.Query{Labels: admin}, withLabel},
		{ports.Query{Labels: admin, ProjectID: project, Env: "e", Domain: "d", Scope: scope, Status: domain.Free}, withLabel},
		{ports.Query{Status: domain.Locked}, []string{"users_expiry", byID}},
		{ports.Query{Status: domain.Locked, ProjectID: project}, []string{"users_endless", byID}},
		{ports.Query{Status: domain.Quarantined}, []string{"users_quarantined", byID}},
		{ports.Query{Status: domain.Quarantined, ProjectID: project, Env: "e", Domain: "d", Scope: scope}, []string{"users_quarantined", byID}},
		{ports.Query{Owner: "ci"}, []string{"users_expiry", byID}},
		{ports.Query{Owner: "ci", Scope: scope, Labels: admin}, []string{"users_expiry", byID}},
		{ports.Query{Login: "ann"}, []string{"users_login_key (project_id=? AND env=? AND login_key=?)"}},
		{ports.Query{Login: "ann", ProjectID: project, Scope: scope, Status: domain.Locked}, []string{"users_login_key (project_id=? AND env=? AND login_key=?)"}},
	} {
		for _, newestFirst := range []bool{false, true} {
			for _, after := range []domain.UserID{{}, user.ID()} {
				q := test.q
				q.NewestFirst, q.After, q.Limit = newestFirst, after, 10
				queries.statements = nil
				if _, err := store.List(ctx, q); err != nil {
					t.Fatal(err)
				}
				queries.wantIndexes(t, test.want)
			}
		}
	}
}

// Counts of users read indexes, and not the rows of all users.
func TestCountsUseTheirIndexes(t *testing.T) {
	ctx := context.Background()
	store, queries, _ := openRecorded(t)
	if _, err := store.CountPools(ctx, domain.Only(domain.ProjectID{1})); err != nil {
		t.Fatal(err)
	}
	if _, _, err := store.CountAlike(ctx, domain.Selector{}); err != nil {
		t.Fatal(err)
	}
	statements := slices.DeleteFunc(slices.Clone(queries.statements), func(s string) bool { return !strings.Contains(s, "FROM users") })
	if len(statements) == 0 {
		t.Fatal("no statement was recorded")
	}
	for _, s := range statements {
		for _, step := range queries.plan(t, s) {
			if strings.HasPrefix(step.Detail, "SCAN u") || strings.HasSuffix(step.Detail, "(project_id=?)") && strings.HasPrefix(step.Detail, "SEARCH u ") {
				t.Errorf("%s:\n%s", step.Detail, s)
			}
		}
	}
}
