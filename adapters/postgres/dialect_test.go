package postgres

import (
	"fmt"
	"io"
	"testing"

	"github.com/userfarm/userfarm/adapters/bunstore"
)

// postgresError is an error of PostgreSQL as its driver returns it.
type postgresError struct{ state, message string }

func (e postgresError) Error() string { return e.message + " (SQLSTATE " + e.state + ")" }

func (e postgresError) SQLState() string { return e.state }

func TestEverySQLSTATEHasACause(t *testing.T) {
	for state, want := range map[string]bunstore.Cause{
		"23503": bunstore.UnknownKey,   // foreign_key_violation
		"22P02": bunstore.Bug,          // invalid_text_representation
		"23505": bunstore.Taken,        // unique_violation
		"42P01": bunstore.Bug,          // undefined_table
		"25006": bunstore.Disconnected, // read_only_sql_transaction
		"08P01": bunstore.Disconnected, // protocol_violation: PgBouncer says so when it lost the server
		"28P01": bunstore.Away,         // invalid_password
		"3D000": bunstore.Away,         // invalid_catalog_name
		"40001": bunstore.Conflict,     // serialization_failure
		"40P01": bunstore.Conflict,     // deadlock_detected
		"53100": bunstore.Full,         // disk_full
		"53300": bunstore.Away,         // too_many_connections
		"55P03": bunstore.Away,         // lock_not_available
		"57014": bunstore.Away,         // query_canceled
		"57P01": bunstore.Disconnected, // admin_shutdown
		"57P02": bunstore.Disconnected, // crash_shutdown
		"57P03": bunstore.Away,         // cannot_connect_now
		"":      bunstore.Away,
	} {
		if got := causeOf(fmt.Errorf("wrapped: %w", postgresError{state: state})); got != want {
			t.Errorf("%q: got cause %d, want %d", state, got, want)
		}
	}
	if got := causeOf(fmt.Errorf("wrapped: %w", io.ErrUnexpectedEOF)); got != bunstore.Disconnected {
		t.Errorf("without a SQLSTATE: got cause %d, want %d", got, bunstore.Disconnected)
	}
}
