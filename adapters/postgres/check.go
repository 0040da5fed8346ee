package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

var (
	errPooled = errors.New("a connection pooler such as PgBouncer, in transaction or statement pooling, gives several sessions one " +
		"connection of the server; the farm needs session pooling: set pool_mode = session for its database")

	errNoSchema = errors.New("the search path of the session has no schema in which tables can be made: " +
		"set search_path in the URL, or with ALTER ROLE")
)

// check connects to the server, in time for the operator who watches the start, and returns why a farm can't use the database.
func check(ctx context.Context, pool *sql.DB) error {
	ctx, cancel := context.WithTimeout(ctx, reachTimeout)
	defer cancel()
	one, err := pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = one.Close() }()
	other, err := pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = other.Close() }()
	if err := checkSessions(ctx, one, other); err != nil {
		return err
	}
	return checkDatabase(ctx, one)
}

// checkSessions returns an error unless each session has a server process of its own. A pooler that takes turns may show only one
// process to each session at first, so it looks several times.
func checkSessions(ctx context.Context, sessions ...*sql.Conn) error {
	const rounds = 4
	owner, process := make(map[int]*sql.Conn), make(map[*sql.Conn]int)
	for range rounds {
		for _, session := range sessions {
			var pid int
			if err := session.QueryRowContext(ctx, "SELECT pg_catalog.pg_backend_pid()").Scan(&pid); err != nil {
				return err
			}
			if known, ok := owner[pid]; ok && known != session {
				return errPooled
			}
			if known, ok := process[session]; ok && known != pid {
				return errPooled
			}
			owner[pid], process[session] = session, pid
		}
	}
	return nil
}

// checkDatabase returns an error unless the database can store every text, and has a place for tables.
func checkDatabase(ctx context.Context, session *sql.Conn) error {
	var encoding, schema string
	err := session.QueryRowContext(ctx, `SELECT pg_catalog.current_setting('server_encoding'),
		coalesce(pg_catalog.current_schema()::text, '')`).Scan(&encoding, &schema)
	switch {
	case err != nil:
		return err
	case encoding != "UTF8":
		return fmt.Errorf("the database has the encoding %s, and the farm needs UTF8: make one with "+
			"CREATE DATABASE … TEMPLATE template0 ENCODING 'UTF8'", encoding)
	case schema == "" || strings.HasPrefix(schema, "pg_"):
		return errNoSchema
	default:
		return nil
	}
}
