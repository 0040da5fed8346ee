package sqlite

import (
	"errors"
	"fmt"
	"testing"

	"github.com/userfarm/userfarm/adapters/bunstore"
)

// sqliteError is an error of SQLite as its driver returns it.
type sqliteError struct {
	code    int
	message string
}

func (e sqliteError) Error() string { return e.message }

func (e sqliteError) Code() int { return e.code }

func TestEveryResultCodeHasACause(t *testing.T) {
	for code, want := range map[int]bunstore.Cause{
		1:         bunstore.Bug,        // SQLITE_ERROR
		5:         bunstore.Busy,       // SQLITE_BUSY
		5 | 2<<8:  bunstore.Busy,       // SQLITE_BUSY_SNAPSHOT
		787:       bunstore.UnknownKey, // SQLITE_CONSTRAINT_FOREIGNKEY
		6:         bunstore.Away,       // SQLITE_LOCKED
		7:         bunstore.Away,       // SQLITE_NOMEM
		8:         bunstore.Away,       // SQLITE_READONLY
		10:        bunstore.Away,       // SQLITE_IOERR
		10 | 4<<8: bunstore.Away,       // SQLITE_IOERR_FSYNC
		11:        bunstore.Away,       // SQLITE_CORRUPT
		13:        bunstore.Full,       // SQLITE_FULL
		4874:      bunstore.Full,       // SQLITE_IOERR_SHMSIZE
		14:        bunstore.Away,       // SQLITE_CANTOPEN
		19 | 6<<8: bunstore.Bug,        // SQLITE_CONSTRAINT_PRIMARYKEY
		20:        bunstore.Bug,        // SQLITE_MISMATCH
		26:        bunstore.Away,       // SQLITE_NOTADB
		15:        bunstore.Away,       // SQLITE_PROTOCOL
		19 | 8<<8: bunstore.Taken,      // SQLITE_CONSTRAINT_UNIQUE
	} {
		if got := causeOf(fmt.Errorf("wrapped: %w", sqliteError{code: code})); got != want {
			t.Errorf("%d: got cause %d, want %d", code, got, want)
		}
	}
	if got := causeOf(errors.New("sql: database is closed")); got != bunstore.Away {
		t.Errorf("without a code: got cause %d, want %d", got, bunstore.Away)
	}
}
