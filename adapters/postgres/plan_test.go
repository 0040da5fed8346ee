package postgres

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/adapters/postgres/postgrestest"
	"github.com/userfarm/userfarm/adapters/sealing"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// recorder records the statements that a store sends in a batch.
type recorder struct {
	mu         sync.Mutex
	statements []statement
}

type statement struct {
	sql  string
	args []any
}

func (*recorder) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return ctx
}

func (*recorder) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (*recorder) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return ctx
}

func (r *recorder) TraceBatchQuery(_ context.Context, _ *pgx.Conn, data pgx.TraceBatchQueryData) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.statements = append(r.statements, statement{data.SQL, data.Args})
}

func (*recorder) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}

// plan is the part of PostgreSQL's JSON plan that these tests look at.
type plan struct {
	NodeType string  `json:"Node Type"`
	Relation string  `json:"Relation Name"`
	Index    string  `json:"Index Name"`
	Rows     float64 `json:"Actual Rows"`
	Removed  float64 `json:"Rows Removed by Filter"`
	Plans    []plan  `json:"Plans"`
}

func (p plan) nodes() []plan {
	nodes := []plan{p}
	for _, child := range p.Plans {
		nodes = append(nodes, child.nodes()...)
	}
	return nodes
}

// openTraced opens a store whose statements a tracer sees.
func openTraced(t *testing.T, databaseURL string, tracer pgx.QueryTracer) *bunstore.Store {
	t.Helper()
	config, err := parse(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	config.ConnConfig.Tracer = tracer
	keys, err := sealing.NewKeyRing(bytes.Repeat([]byte{1}, sealing.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	store, err := open(t.Context(), config, keys, &bunstore.Logins{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

// An exhausted pool, and one that is nearly exhausted, need one range of an index, with labels and without.
func TestASearchForAFreeUserReadsOnlyFreeUsers(t *testing.T) {
	server := postgrestest.Shared(t)
	databaseURL := server.NewDatabase(t)
	ctx := context.Background()
	queries := new(recorder)
	store := openTraced(t, databaseURL, queries)
	pool := domain.Pool{ProjectID: domain.ProjectID{1}, Env: "staging", Domain: "example.test"}
	users := make([]*domain.User, 5000)
	for i := range users {
		held := domain.Snapshot{
			ID: domain.NewUserID(time.Now()), CreatedAt: time.Now(), Login: strconv.Itoa(i), Pool: pool,
			Labels: domain.Labels{"shard": strconv.Itoa(i % 5)},
			Fence:  1, Lock: &domain.Lock{AcquiredAt: time.Now()},
		}
		if i%2 == 0 {
			held.Labels, held.Lock = domain.Labels{"role": "plain"}, nil // free, for a claim of a plain user
		}
		users[i] = domain.Restore(held)
	}
	if err := store.Add(ctx, domain.Once{}, users...); err != nil {
		t.Fatal(err)
	}
	server.Exec(t, databaseURL, "VACUUM ANALYZE users")

	inPool := domain.Selector{ProjectID: pool.ProjectID, Env: pool.Env, Domain: pool.Domain}
	sharded := inPool
	sharded.Labels = domain.Labels{"shard": "3"}
	_, err := store.Claim(ctx, ports.Claim{Want: []domain.Selector{sharded}, Decide: nil})
	if !errors.Is(err, domain.ErrPoolExhausted) {
		t.Fatalf("got %v, want %v", err, domain.ErrPoolExhausted)
	}
	for _, want := range []domain.Selector{inPool, {Labels: domain.Labels{"role": "plain"}}, {Env: pool.Env}} {
		_, err = store.Claim(ctx, ports.Claim{Want: []domain.Selector{want}, Decide: func(time.Time, []*domain.User) error { return nil }})
		if err != nil {
			t.Fatal(err)
		}
	}

	var searches int
	for _, statement := range queries.statements {
		if !strings.Contains(statement.sql, "free_at <=") {
			continue
		}
		searches++
		for _, node := range explain(t, databaseURL, statement).nodes() {
			if node.Relation == "users" && (strings.Contains(node.NodeType, "Seq Scan") || node.Removed > 0) {
				t.Errorf("%s reads users that are not free:\n%s", node.NodeType, statement.sql)
			}
			if some := map[string]float64{"users_free": 1, "users_free_labelled": bunstore.CandidatesAtOnce}; node.Rows > some[node.Index] && some[node.Index] > 0 {
				t.Errorf("%s reads %v users, want up to %v:\n%s", node.Index, node.Rows, some[node.Index], statement.sql)
			}
		}
	}
	if searches != 5 {
		t.Errorf("the claims searched for free users %d times, want once for each claim, and once more for the refusal", searches)
	}
}

// A search for labels reads little, no matter how many users have other labels, or the same.
func TestASearchForLabelsReadsFewRows(t *testing.T) {
	server := postgrestest.Shared(t)
	databaseURL := server.NewDatabase(t)
	queries := new(recorder)
	store := openTraced(t, databaseURL, queries)
	pool := domain.Pool{ProjectID: domain.ProjectID{1}, Env: "staging", Domain: "example.test"}
	users := make([]*domain.User, 3000)
	for i := range users {
		users[i] = domain.Restore(domain.Snapshot{
			ID: domain.NewUserID(time.Now()), CreatedAt: time.Now(), Login: strconv.Itoa(i), Pool: pool,
			Labels: domain.Labels{"account": strconv.Itoa(i), "team": strconv.Itoa(i % 30), "role": "buyer"},
		})
	}
	if err := store.Add(t.Context(), domain.Once{}, users...); err != nil {
		t.Fatal(err)
	}
	server.Exec(t, databaseURL, "VACUUM ANALYZE")
	for _, search := range []struct {
		labels domain.Labels
		reads  float64 // at most so many rows of a table at once
	}{
		{domain.Labels{"account": "17"}, 1},
		{domain.Labels{"account": "17", "role": "buyer"}, bunstore.CandidatesAtOnce},
		{domain.Labels{"team": "3"}, bunstore.CandidatesAtOnce},
		{domain.Labels{"role": "buyer"}, bunstore.FewSets + 1},
	} {
		queries.statements = nil
		want := domain.Selector{ProjectID: pool.ProjectID, Env: pool.Env, Domain: pool.Domain, Labels: search.labels}
		refuse := errors.New("refused")
		claim := ports.Claim{Want: []domain.Selector{want}, Decide: func(time.Time, []*domain.User) error { return refuse }}
		if _, err := store.Claim(t.Context(), claim); !errors.Is(err, refuse) {
			t.Fatal(err)
		}
		for _, statement := range queries.statements {
			if !strings.Contains(statement.sql, "free_at") {
				continue
			}
			for _, node := range explain(t, databaseURL, statement).nodes() {
				if node.Relation != "" && node.Rows+node.Removed > search.reads {
					t.Errorf("%v: %s reads %v rows of %s and discards %v:\n%s",
						search.labels, node.NodeType, node.Rows, node.Relation, node.Removed, statement.sql)
				}
			}
		}
	}
}

// explain runs a statement of an engine and returns its plan.
func explain(t *testing.T, databaseURL string, explained statement) plan {
	t.Helper()
	return explainUnder(t, databaseURL, indexesOnly, explained)
}

// explainUnder runs a statement under these settings and returns its plan.
func explainUnder(t *testing.T, databaseURL string, settings map[string]string, explained statement) plan {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	for name, value := range settings {
		if _, err := conn.Exec(ctx, "SET "+name+" = "+value); err != nil {
			t.Fatal(err)
		}
	}
	var answer []byte
	if err := conn.QueryRow(ctx, "EXPLAIN (ANALYZE, FORMAT JSON) "+explained.sql, explained.args...).Scan(&answer); err != nil {
		t.Fatal(err)
	}
	var plans []struct{ Plan plan }
	if err := json.Unmarshal(answer, &plans); err != nil {
		t.Fatal(err)
	}
	return plans[0].Plan
}
