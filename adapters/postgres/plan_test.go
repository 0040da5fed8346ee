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

	"github.com/userfarm/userfarm/adapters/postgres/postgrestest"
	"github.com/userfarm/userfarm/adapters/sealing"
	"github.com/userfarm/userfarm/domain"
)

// recorder keeps the statements of a store.
type recorder struct {
	mu         sync.Mutex
	statements []string
}

func (r *recorder) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.statements = append(r.statements, data.SQL)
	return ctx
}

func (r *recorder) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// plan is the part of PostgreSQL's JSON plan that these tests look at.
type plan struct {
	NodeType  string  `json:"Node Type"`
	Index     string  `json:"Index Name"`
	IndexCond string  `json:"Index Cond"`
	Removed   float64 `json:"Rows Removed by Filter"`
	Plans     []plan  `json:"Plans"`
}

func (p plan) nodes() []plan {
	nodes := []plan{p}
	for _, child := range p.Plans {
		nodes = append(nodes, child.nodes()...)
	}
	return nodes
}

// An exhausted pool, and one that nearly is, are answered from one range of an index.
func TestSearchForAFreeUserReadsOnlyWhatIsFree(t *testing.T) {
	server := postgrestest.Shared(t)
	databaseURL := server.NewDatabase(t)
	ctx := context.Background()
	config, err := parse(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	queries := new(recorder)
	config.ConnConfig.Tracer = queries
	keys, err := sealing.NewKeyRing(bytes.Repeat([]byte{1}, sealing.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	store, err := open(ctx, config, keys)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	pool := domain.Pool{ProjectID: domain.ProjectID{1}, Env: "staging", Domain: "example.test"}
	users := make([]*domain.User, 5000)
	for i := range users {
		users[i] = domain.Restore(domain.Snapshot{
			ID: domain.NewUserID(time.Now()), CreatedAt: time.Now(), Login: strconv.Itoa(i), Pool: pool,
			Fence: 1, Lock: &domain.Lock{AcquiredAt: time.Now()},
		})
	}
	if err := store.Add(ctx, users...); err != nil {
		t.Fatal(err)
	}
	server.Exec(t, databaseURL, "VACUUM ANALYZE users")

	_, err = store.Claim(ctx, []domain.Selector{{ProjectID: pool.ProjectID, Env: pool.Env, Domain: pool.Domain}}, nil)
	if !errors.Is(err, domain.ErrPoolExhausted) {
		t.Fatalf("got %v, want %v", err, domain.ErrPoolExhausted)
	}

	var searches int
	for _, statement := range queries.statements {
		if !strings.Contains(statement, "free_at <=") {
			continue
		}
		searches++
		for _, node := range explain(t, databaseURL, statement).nodes() {
			if strings.Contains(node.NodeType, "Seq Scan") || node.Removed > 0 {
				t.Errorf("%s reads users that are not free:\n%s", node.NodeType, statement)
			}
			if node.Index == "users_free" && !strings.Contains(node.IndexCond, "free_at") {
				t.Errorf("free_at is not in the range of the index: %s", node.IndexCond)
			}
		}
	}
	if searches == 0 {
		t.Error("the claim searched for no free user")
	}
}

// explain runs a statement and returns the plan that it ran by.
func explain(t *testing.T, databaseURL, statement string) plan {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	var answer []byte
	if err := conn.QueryRow(ctx, "EXPLAIN (ANALYZE, FORMAT JSON) "+statement).Scan(&answer); err != nil {
		t.Fatal(err)
	}
	var explained []struct{ Plan plan }
	if err := json.Unmarshal(answer, &explained); err != nil {
		t.Fatal(err)
	}
	return explained[0].Plan
}
