package sqlite

import (
	"errors"
	"strconv"
	"syscall"

	"github.com/uptrace/bun"

	"github.com/userfarm/userfarm/adapters/bunstore"
)

// dialectOf returns the dialect of SQLite 3.37 and later, whose clock is the process's, in microseconds.
func dialectOf(now func() int64) bunstore.Dialect {
	return bunstore.Dialect{
		Name:      "sqlite",
		System:    "sqlite",
		Clock:     func() bun.Safe { return bun.Safe(strconv.FormatInt(now(), 10)) },
		Rules:     rules,
		AddEvents: addEventsIn,
		Cause:     causeOf,
	}
}

// causeOf reads SQLite's result code (https://www.sqlite.org/rescode.html), whose low byte is the primary one.
func causeOf(err error) bunstore.Cause {
	var answer interface{ Code() int }
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return bunstore.Full
	}
	if !errors.As(err, &answer) {
		return bunstore.Away
	}
	if answer.Code() == 787 { // SQLITE_CONSTRAINT_FOREIGNKEY: of all rows that others refer to, only keys are ever removed
		return bunstore.UnknownKey
	}
	if answer.Code() == 19|8<<8 { // SQLITE_CONSTRAINT_UNIQUE
		return bunstore.Taken
	}
	if answer.Code() == 10|19<<8 { // SQLITE_IOERR_SHMSIZE: the index of the write-ahead log can't grow
		return bunstore.Full
	}
	switch answer.Code() & 0xff {
	case 13: // FULL
		return bunstore.Full
	case 5: // BUSY
		return bunstore.Busy
	case 6, 7, 8, 10, 11, 14, 15, 26: // LOCKED NOMEM READONLY IOERR CORRUPT CANTOPEN PROTOCOL NOTADB
		return bunstore.Away
	default:
		return bunstore.Bug
	}
}
