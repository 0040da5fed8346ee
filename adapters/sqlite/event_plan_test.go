package sqlite

import (
	"bytes"
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/adapters/sealing"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// queryRecorder records the statements with which a store reads.
type queryRecorder struct {
	db         *bun.DB
	statements []string
}

// openRecorded opens a store with one user.
func openRecorded(t *testing.T) (*bunstore.Store, *queryRecorder, *domain.User) {
	t.Helper()
	ctx := context.Background()
	db, err := open(ctx, filepath.Join(t.TempDir(), "users.db"))
	if err != nil {
		t.Fatal(err)
	}
	queries := &queryRecorder{db: db.reader}
	db.reader = db.reader.WithQueryHook(queries)
	keys, err := sealing.NewKeyRing(bytes.Repeat([]byte{1}, sealing.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	store, err := db.store(ctx, keys, &bunstore.Logins{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	user, err := domain.NewUser(domain.NewUserID(time.Now()), time.Now(), domain.Spec{
		Login: "ann", Password: domain.NewSecret("pw"), Pool: domain.Pool{ProjectID: domain.ProjectID{1}, Env: "e", Domain: "d"},
		Labels: domain.Labels{"role": "admin"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Add(ctx, domain.Once{}, user); err != nil {
		t.Fatal(err)
	}
	return store, queries, user
}

// BeforeQuery implements [bun.QueryHook].
func (r *queryRecorder) BeforeQuery(ctx context.Context, event *bun.QueryEvent) context.Context {
	r.statements = append(r.statements, event.Query)
	return ctx
}

// AfterQuery implements [bun.QueryHook].
func (*queryRecorder) AfterQuery(context.Context, *bun.QueryEvent) {}

// SQLite has no statistics, and could take an index that has nearly all events.
func TestFiltersUseTheirIndexes(t *testing.T) {
	ctx := context.Background()
	store, queries, user := openRecorded(t)
	project, scope := domain.ProjectID{1}, domain.Only(domain.ProjectID{1}, domain.ProjectID{2})
	changed, acquired := []domain.EventKind{domain.UserChanged}, []domain.EventKind{domain.UserAcquired}
	changes := []domain.EventKind{domain.UserChanged, domain.UserCreated}
	byLogin := []string{"users_login_key", "events_rare", "events_user"}
	for _, test := range []struct {
		q    ports.EventQuery
		want []string // the index of each statement
	}{
		{ports.EventQuery{UserID: user.ID()}, []string{"events_user"}},
		{ports.EventQuery{UserID: user.ID(), Scope: scope, Owner: "ci", Kinds: acquired}, []string{"events_user"}},
		{ports.EventQuery{Kinds: changed}, []string{"events_rare"}},
		{ports.EventQuery{Kinds: changed, WithoutKeys: true}, []string{"events_rare"}},
		{ports.EventQuery{ProjectID: project, WithoutKeys: true}, []string{"events_project"}},
		{ports.EventQuery{Kinds: changed, ProjectID: project, Env: "e"}, []string{"events_rare"}},
		{ports.EventQuery{Kinds: changes, ProjectID: project, Owner: "ci"}, []string{"events_rare"}},
		{ports.EventQuery{Kinds: changes, Scope: scope}, []string{"events_rare"}},
		{ports.EventQuery{Login: "ann"}, byLogin},
		{ports.EventQuery{Login: "ann", Kinds: acquired, ProjectID: project, Env: "e", Domain: "d"}, byLogin},
		{ports.EventQuery{Login: "ann", Owner: "ci", Scope: scope}, byLogin},
		{ports.EventQuery{Owner: "ci"}, []string{"events_owner"}},
		{ports.EventQuery{Owner: "ci", ProjectID: project, Scope: scope, Kinds: acquired}, []string{"events_owner"}},
		{ports.EventQuery{ProjectID: project}, []string{"events_project"}},
		// Events are examined in order. First comes the last one that the page may examine.
		{ports.EventQuery{ProjectID: project, Env: "e"}, []string{"events_project", "events_project"}},
	} {
		for _, newestFirst := range []bool{false, true} {
			for _, after := range []ports.EventID{0, 9} {
				q := test.q
				q.NewestFirst, q.After, q.Limit = newestFirst, after, 10
				queries.statements = nil
				if _, err := store.Events(ctx, q); err != nil {
					t.Fatal(err)
				}
				queries.wantIndexes(t, test.want)
			}
		}
	}
}

// planStep is a row of SQLite's EXPLAIN QUERY PLAN.
type planStep struct {
	ID, Parent, Notused int
	Detail              string
}

// wantIndexes fails the test unless these are the indexes that the statements use for events and users.
func (r *queryRecorder) wantIndexes(t *testing.T, want []string) {
	t.Helper()
	statements := slices.DeleteFunc(slices.Clone(r.statements), func(s string) bool { return !strings.Contains(s, " FROM ") })
	if len(statements) != len(want) {
		t.Fatalf("%d statements, want %d:\n%s", len(statements), len(want), strings.Join(statements, "\n"))
	}
	for i, s := range statements {
		steps := r.plan(t, s)
		if !slices.ContainsFunc(steps, func(step planStep) bool { return strings.Contains(step.Detail, " "+want[i]) }) {
			t.Errorf("the plan is %+v, want %s:\n%s", steps, want[i], s)
		}
	}
}

// plan returns how SQLite carries out a statement.
func (r *queryRecorder) plan(t *testing.T, statement string) (steps []planStep) {
	t.Helper()
	if err := r.db.NewRaw("EXPLAIN QUERY PLAN ?", bun.Safe(statement)).Scan(t.Context(), &steps); err != nil {
		t.Fatal(err)
	}
	return steps
}
