package postgres

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/adapters/postgres/postgrestest"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// queryRecorder records the statements that a store sends alone.
type queryRecorder struct {
	mu         sync.Mutex
	statements []statement
}

// TraceQueryStart implements [pgx.QueryTracer].
func (r *queryRecorder) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	r.mu.Lock()
	defer r.mu.Unlock()
	if strings.HasPrefix(data.SQL, "SELECT") {
		r.statements = append(r.statements, statement{sql: data.SQL})
	}
	return ctx
}

// TraceQueryEnd implements [pgx.QueryTracer].
func (*queryRecorder) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// A filter reads few events of a long history, and few users of a large farm, also if nothing matches.
func TestAFilterReadsFewRows(t *testing.T) {
	server := postgrestest.Shared(t)
	databaseURL := server.NewDatabase(t)
	ctx := context.Background()
	queries := new(queryRecorder)
	store := openTraced(t, databaseURL, queries)
	users := make([]*domain.User, 3000)
	for i := range users {
		s := domain.Snapshot{
			ID: domain.UserID{1, byte(i >> 8), byte(i)}, CreatedAt: time.Now(), Login: "user " + domain.UserID{1, byte(i >> 8), byte(i)}.String(),
			Pool: domain.Pool{ProjectID: domain.ProjectID{1}, Env: "e", Domain: "d"},
		}
		if i%100 == 99 {
			now := time.Now()
			s.Lock = &domain.Lock{Lease: domain.NewLeaseID().Digest(), Size: 1, Owner: "ci", AcquiredAt: now, ExpiresAt: now.Add(time.Hour)}
		}
		users[i] = domain.Restore(s)
	}
	if err := store.Add(ctx, domain.Once{}, users...); err != nil {
		t.Fatal(err)
	}
	server.Exec(t, databaseURL, `INSERT INTO events (event_id, at, kind, user_id, login, project_id, env, domain, owner, note, fence, reason)
		SELECT n, n, (ARRAY['acquired', 'released'])[1 + n % 2], u.user_id, u.login, u.project_id, 'e', 'd', 'ci ' || n % 1000, '', 0, ''
		FROM generate_series(1, 200000) AS n
		JOIN (SELECT *, row_number() OVER (ORDER BY user_id) AS r FROM users) u ON u.r = 1 + n % 3000`)
	server.Exec(t, databaseURL, `UPDATE events SET kind = 'removed', user_id = gen_random_uuid(), login = 'gone' WHERE event_id % 20000 = 7`)
	server.Exec(t, databaseURL, "VACUUM ANALYZE")

	const some = 500
	one, project := users[0].Snapshot(), domain.ProjectID{1}
	for name, search := range map[string]func(newestFirst bool) error{
		"by a kind":            eventSearch(ctx, store, ports.EventQuery{Kinds: []domain.EventKind{domain.UserRemoved}}),
		"by an unknown kind":   eventSearch(ctx, store, ports.EventQuery{Kinds: []domain.EventKind{domain.UserChanged}}),
		"by kinds of an owner": eventSearch(ctx, store, ports.EventQuery{Kinds: []domain.EventKind{domain.UserChanged, domain.UserForced}, Owner: "ci 7"}),
		"by a kind in a pool":  eventSearch(ctx, store, ports.EventQuery{Kinds: []domain.EventKind{domain.UserChanged}, ProjectID: project, Env: "e"}),
		"by a login":           eventSearch(ctx, store, ports.EventQuery{Login: one.Login}),
		"by a login in a pool": eventSearch(ctx, store, ports.EventQuery{Login: one.Login, ProjectID: project, Env: "e", Domain: "d"}),
		"by a removed login":   eventSearch(ctx, store, ports.EventQuery{Login: "GONE"}),
		"by an unknown login":  eventSearch(ctx, store, ports.EventQuery{Login: "nobody"}),
		"by a user in scope":   eventSearch(ctx, store, ports.EventQuery{UserID: one.ID, Scope: domain.Only(project), Kinds: []domain.EventKind{domain.UserExpired}}),
		"by a project":         eventSearch(ctx, store, ports.EventQuery{ProjectID: project}),
		"by another project":   eventSearch(ctx, store, ports.EventQuery{ProjectID: domain.ProjectID{2}}),
		"by an owner":          eventSearch(ctx, store, ports.EventQuery{Owner: "ci 7"}),
		"users by an owner": func(newestFirst bool) error {
			_, err := store.List(ctx, ports.Query{Owner: "ci", NewestFirst: newestFirst, Limit: 100})
			return err
		},
	} {
		for _, newestFirst := range []bool{false, true} {
			queries.statements = nil
			if err := search(newestFirst); err != nil {
				t.Fatal(err)
			}
			if len(queries.statements) == 0 {
				t.Fatal("no statement was recorded")
			}
			for _, s := range queries.statements {
				for _, node := range explainUnder(t, databaseURL, nil, s).nodes() {
					if (node.Relation == "events" || node.Relation == "users") && node.Rows+node.Removed > some {
						t.Errorf("%s, newest first %v: %s reads %v rows and discards %v:\n%s", name, newestFirst, node.NodeType, node.Rows, node.Removed, s.sql)
					}
				}
			}
		}
	}
}

// The holders of one pool are found among its own users, no matter how many hold users of other pools.
func TestHoldersOfAPoolAreFoundAmongItsUsers(t *testing.T) {
	server := postgrestest.Shared(t)
	databaseURL := server.NewDatabase(t)
	ctx := context.Background()
	queries := new(queryRecorder)
	store := openTraced(t, databaseURL, queries)
	busy, small := domain.Pool{ProjectID: domain.ProjectID{1}, Env: "e", Domain: "d"}, domain.Pool{ProjectID: domain.ProjectID{2}, Env: "e", Domain: "d"}
	now := time.Now()
	var users []*domain.User
	for i := range 3000 {
		s := domain.Snapshot{ID: domain.NewUserID(now), CreatedAt: now, Login: domain.NewUserID(now).String(), Pool: busy, Fence: 1}
		if i%1000 == 0 {
			s.Pool = small
		}
		if i%1500 == 0 { // one of the small pool is free
			s.Lock = &domain.Lock{Lease: domain.NewLeaseID().Digest(), Size: 1, Owner: "ci", AcquiredAt: now, ExpiresAt: now.Add(2 * time.Hour)}
		} else if i != 1000 {
			s.Lock = &domain.Lock{Lease: domain.NewLeaseID().Digest(), Size: 1, Owner: "ci", AcquiredAt: now, ExpiresAt: now.Add(time.Hour)}
		}
		users = append(users, domain.Restore(s))
	}
	if err := store.Add(ctx, domain.Once{}, users...); err != nil {
		t.Fatal(err)
	}
	server.Exec(t, databaseURL, "VACUUM ANALYZE")
	queries.statements = nil
	held, _, err := store.Holders(ctx, domain.Selector{ProjectID: small.ProjectID, Env: small.Env, Domain: small.Domain}, 10)
	if err != nil || len(held) != 2 {
		t.Fatalf("holders %v, %v, want two", held, err)
	}
	if len(queries.statements) == 0 {
		t.Fatal("no statement was recorded")
	}
	for _, s := range queries.statements {
		for _, node := range explainUnder(t, databaseURL, nil, s).nodes() {
			if node.Relation == "users" && node.Rows+node.Removed > 10 {
				t.Errorf("%s reads %v rows and discards %v:\n%s", node.NodeType, node.Rows, node.Removed, s.sql)
			}
		}
	}
}

func eventSearch(ctx context.Context, store *bunstore.Store, q ports.EventQuery) func(newestFirst bool) error {
	q.Limit = 100
	return func(newestFirst bool) error {
		q.NewestFirst = newestFirst
		_, err := store.Events(ctx, q)
		return err
	}
}
