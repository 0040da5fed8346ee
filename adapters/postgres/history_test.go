package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/userfarm/userfarm/adapters/postgres/postgrestest"
	"github.com/userfarm/userfarm/ports"
)

// A database that was restored from another server can have events with transaction ids that this server has not reached yet.
func TestARestoredHistoryContinues(t *testing.T) {
	t.Parallel()
	server := postgrestest.Shared(t)
	databaseURL := server.NewDatabase(t)
	store := open(t, databaseURL, newKeyRing(t))
	addUsers(t, store, 2)
	server.Exec(t, databaseURL, `UPDATE events SET event_id = event_id + (1000000000::bigint << 20)`)

	store = open(t, databaseURL, newKeyRing(t))
	addUsers(t, store, 1)
	page, err := store.Events(context.Background(), ports.EventQuery{Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	if len(page.Events) != 3 || page.Events[2].At.Before(page.Events[0].At) {
		t.Errorf("events = %+v, want the two restored ones and then the new one", page.Events)
	}
}

// An event gets its number when it is written, and becomes visible when it is committed.
func TestAnEventThatIsCommittedLateIsNotMissed(t *testing.T) {
	t.Parallel()
	one, other, databaseURL := twoReplicas(t, 2)
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	late, err := conn.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	_, err = late.Exec(ctx, `INSERT INTO events (event_id, at, kind, user_id, login, project_id, env, domain, owner, note, fence, reason)
		SELECT (nextval('event_numbers') << 20) + 1, 1, 'created', gen_random_uuid(), 'late', gen_random_uuid(), 'e', 'd', '', '', 0, ''`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := claim(ctx, one); err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	var last ports.EventID
	read := func() {
		page, err := other.Events(ctx, ports.EventQuery{After: last, Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Events {
			seen[e.Login]++
			last = e.ID
		}
	}
	read()
	if err := late.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(answerTimeout); seen["late"] == 0 && time.Now().Before(end); time.Sleep(time.Millisecond) {
		read()
	}
	if seen["late"] != 1 {
		t.Errorf("the late event was returned %d times", seen["late"])
	}
}
