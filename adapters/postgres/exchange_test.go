package postgres

import (
	"context"
	"errors"
	"testing"

	"github.com/userfarm/userfarm/adapters/postgres/postgrestest"
)

func TestAWriteThatMissesRowsCommitsNothing(t *testing.T) {
	ctx := context.Background()
	conn := connectTo(ctx, t, postgrestest.Shared(t).NewDatabase(t))
	if _, err := conn.Exec(ctx, "CREATE TABLE held (n int)"); err != nil {
		t.Fatal(err)
	}
	commit := func(n int) error {
		x := exchange{conn: conn}
		x.run("BEGIN")
		x.run("INSERT INTO held VALUES (1)")
		x.write(n, "UPDATE held SET n = 2 WHERE n = $1", 1)
		x.run("COMMIT")
		return x.send(ctx)
	}
	if err := commit(2); !errors.Is(err, errVanished) {
		t.Errorf("got the error %v, want %v", err, errVanished)
	}
	if _, err := conn.Exec(ctx, "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	var rows int
	if err := conn.QueryRow(ctx, "SELECT count(*) FROM held").Scan(&rows); err != nil || rows != 0 {
		t.Errorf("%d rows were committed (%v)", rows, err)
	}
	if err := commit(1); err != nil {
		t.Errorf("a write of all rows: %v", err)
	}
}
