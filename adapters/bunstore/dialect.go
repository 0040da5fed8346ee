package bunstore

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"github.com/uptrace/bun"

	"github.com/userfarm/userfarm/domain"
)

// Dialect is all that this package must know to tell the databases apart. The rest of their differences is Bun's to
// bridge (placeholders, blobs) or stays in their migrations (types: a UUID is a uuid or a text, labels are jsonb or JSON
// in a text).
type Dialect struct {
	// Name begins the text of every error.
	Name string

	// Clock returns an SQL expression for the time of the store's clock in microseconds since 1970. It is volatile: each row
	// of an answer has the time at which the row was found.
	Clock func() bun.Safe

	// SkipLocked is the FOR clause that makes a SELECT keep its rows until the transaction ends, and leave out those that
	// another transaction keeps. It is empty where a transaction that writes has the database to itself.
	SkipLocked string

	// Lock is the FOR clause that makes a SELECT wait for its rows and keep them. It is empty where SkipLocked is.
	Lock string

	// HasLabels returns a condition, and its arguments, on the column labels of a table u: all of these are among them.
	HasLabels func(domain.Labels) (condition string, args []any)

	// Settled is a condition on events e: no event before this one is still to be written. It is empty where none can be.
	Settled string

	// LeftInLine are the tables where who stood in line may have left something behind, with the time when it was.
	LeftInLine []aging

	// Cause tells what an error of the driver means.
	Cause func(error) Cause
}

// Cause is what an error of a driver means for the store.
type Cause int

// The causes of errors.
const (
	// Bug: the database does not accept what this package sent. It is not for the caller to repair.
	Bug Cause = iota
	// Away: the database can't do its work now.
	Away
	// Disconnected: the connection ended, or leads to a server that takes no writes anymore. Another connection may do.
	Disconnected
	// Conflict: the database gave the transaction up in favour of another one.
	Conflict
	// Busy: another process has the whole database to itself just now.
	Busy
	// UnknownKey: something was sealed with a key that the database does not know (yet).
	UnknownKey
)

// Postgres returns the dialect of PostgreSQL 13 and later, whose clock is an expression.
func Postgres(clock bun.Safe) Dialect {
	return Dialect{
		Name:       "postgres",
		Clock:      func() bun.Safe { return clock },
		SkipLocked: "UPDATE SKIP LOCKED",
		Lock:       "UPDATE",
		LeftInLine: []aging{
			{table: "waiters", key: "place", at: "until"},
			{table: "replicas", key: "replica_id", at: "seen_at"},
		},
		// The oldest transaction under way may be one of another database that takes hours. Ours take seconds.
		Settled: "e.event_id < greatest(" +
			"(SELECT h.transactions + pg_snapshot_xmin(pg_current_snapshot())::text::bigint FROM history_base h) << 20, " +
			"(SELECT x.event_id + 1 FROM events x WHERE x.at < (SELECT " + string(clock) + ") - 60000000 ORDER BY x.at DESC LIMIT 1))",
		HasLabels: func(labels domain.Labels) (string, []any) {
			wanted, _ := json.Marshal(labels) // a map of strings always encodes
			return "u.labels @> ?::jsonb", []any{string(wanted)}
		},
		Cause: postgresCause,
	}
}

// SQLite returns the dialect of SQLite 3.37 and later, whose clock is the process's, in microseconds.
func SQLite(now func() int64) Dialect {
	return Dialect{
		Name:  "sqlite",
		Clock: func() bun.Safe { return bun.Safe(strconv.FormatInt(now(), 10)) },
		HasLabels: func(labels domain.Labels) (string, []any) {
			const hasLabel = "EXISTS (SELECT 1 FROM json_each(u.labels) AS label WHERE label.key = ? AND label.value = ?)"
			var conditions []string
			var args []any
			for key, value := range labels {
				conditions = append(conditions, hasLabel)
				args = append(args, key, value)
			}
			return strings.Join(conditions, " AND "), args
		},
		Cause: sqliteCause,
	}
}

// postgresCause reads the SQLSTATE (PostgreSQL documentation, appendix A). An error without one is not the server's answer
// but that of a connection on the way to it.
func postgresCause(err error) Cause {
	var answer interface{ SQLState() string }
	if !errors.As(err, &answer) {
		return Disconnected
	}
	switch state := answer.SQLState(); state {
	case "40001", "40P01": // serialization_failure, deadlock_detected
		return Conflict
	case "23503": // foreign_key_violation: what else is referred to is there for ever
		return UnknownKey
	case "57P01", "57P02", "25006": // admin_shutdown, crash_shutdown, read_only_sql_transaction: after a failover
		return Disconnected
	default:
		switch state[:min(2, len(state))] {
		case "22", "23", "42": // data exception, integrity constraint violation, syntax error or access rule violation
			return Bug
		default:
			return Away
		}
	}
}

// sqliteCause reads SQLite's result code (https://www.sqlite.org/rescode.html), whose low byte is the primary one.
func sqliteCause(err error) Cause {
	var answer interface{ Code() int }
	if !errors.As(err, &answer) {
		return Away
	}
	if answer.Code() == 787 { // SQLITE_CONSTRAINT_FOREIGNKEY: what else is referred to is there for ever
		return UnknownKey
	}
	switch answer.Code() & 0xff {
	case 5: // BUSY
		return Busy
	case 6, 7, 8, 10, 11, 13, 14, 15, 26: // LOCKED NOMEM READONLY IOERR CORRUPT FULL CANTOPEN PROTOCOL NOTADB
		return Away
	default:
		return Bug
	}
}
