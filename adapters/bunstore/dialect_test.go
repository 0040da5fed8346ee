package bunstore

import (
	"errors"
	"fmt"
	"io"
	"testing"
)

// postgresError is an error of PostgreSQL as its driver gives it.
type postgresError struct{ state, message string }

func (e postgresError) Error() string { return e.message + " (SQLSTATE " + e.state + ")" }

func (e postgresError) SQLState() string { return e.state }

// sqliteError is an error of SQLite as its driver gives it.
type sqliteError struct {
	code    int
	message string
}

func (e sqliteError) Error() string { return e.message }

func (e sqliteError) Code() int { return e.code }

func TestPostgresCauses(t *testing.T) {
	for state, want := range map[string]Cause{
		"23503": UnknownKey,   // foreign_key_violation
		"22P02": Bug,          // invalid_text_representation
		"23505": Bug,          // unique_violation
		"42P01": Bug,          // undefined_table
		"25006": Disconnected, // read_only_sql_transaction
		"28P01": Away,         // invalid_password
		"3D000": Away,         // invalid_catalog_name
		"40001": Conflict,     // serialization_failure
		"40P01": Conflict,     // deadlock_detected
		"53100": Away,         // disk_full
		"53300": Away,         // too_many_connections
		"55P03": Away,         // lock_not_available
		"57014": Away,         // query_canceled
		"57P01": Disconnected, // admin_shutdown
		"57P02": Disconnected, // crash_shutdown
		"57P03": Away,         // cannot_connect_now
		"":      Away,
	} {
		if got := Postgres("").Cause(fmt.Errorf("wrapped: %w", postgresError{state: state})); got != want {
			t.Errorf("%q: got cause %d, want %d", state, got, want)
		}
	}
	if got := Postgres("").Cause(fmt.Errorf("wrapped: %w", io.ErrUnexpectedEOF)); got != Disconnected {
		t.Errorf("without a SQLSTATE: got cause %d, want %d", got, Disconnected)
	}
}

func TestSQLiteCauses(t *testing.T) {
	for code, want := range map[int]Cause{
		1:         Bug,        // SQLITE_ERROR
		5:         Busy,       // SQLITE_BUSY
		5 | 2<<8:  Busy,       // SQLITE_BUSY_SNAPSHOT
		787:       UnknownKey, // SQLITE_CONSTRAINT_FOREIGNKEY
		6:         Away,       // SQLITE_LOCKED
		7:         Away,       // SQLITE_NOMEM
		8:         Away,       // SQLITE_READONLY
		10:        Away,       // SQLITE_IOERR
		10 | 4<<8: Away,       // SQLITE_IOERR_FSYNC
		11:        Away,       // SQLITE_CORRUPT
		13:        Away,       // SQLITE_FULL
		14:        Away,       // SQLITE_CANTOPEN
		19 | 6<<8: Bug,        // SQLITE_CONSTRAINT_PRIMARYKEY
		20:        Bug,        // SQLITE_MISMATCH
		26:        Away,       // SQLITE_NOTADB
		15:        Away,       // SQLITE_PROTOCOL
		19 | 8<<8: Bug,        // SQLITE_CONSTRAINT_UNIQUE
	} {
		if got := SQLite(nil).Cause(fmt.Errorf("wrapped: %w", sqliteError{code: code})); got != want {
			t.Errorf("%d: got cause %d, want %d", code, got, want)
		}
	}
	if got := SQLite(nil).Cause(errors.New("sql: database is closed")); got != Away {
		t.Errorf("without a code: got cause %d, want %d", got, Away)
	}
}
