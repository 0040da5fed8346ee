package sqlite

import (
	"database/sql"
	"net/url"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	driver "modernc.org/sqlite"
)

// readers is how many connections read. Each may keep a core busy, and none waits for the writer.
const readers = 4

// settings are those of every connection. See the driver's documentation for how they are spelled.
func settings() url.Values {
	return url.Values{
		"mode": {"rw"}, // makes no file: that is done under the farm's lock, with a mode of ours
		// For a farm and a program that manages its keys at the same time. SQLite's own waiting pauses for so long, in the end, that
		// it misses the moments in which a busy farm does not use the database. Operations retry for longer than this.
		"_busy_timeout": {"100"},
		"_foreign_keys": {"on"},
		"_dqs":          {"0"}, // a misspelled column is an error and not a text
		"_error_rc":     {"1"}, // texts of errors are those of what failed
	}
}

// connectWriter returns the one connection that writes. Transactions wait for it in Go, in no particular order (database/sql wakes
// a random one; groups commit in order because one goroutine runs them), and take SQLite's write lock as they begin (immediate), so that none fails halfway because it can't get the lock.
func connectWriter(path string) (*bun.DB, error) {
	with := settings()
	with.Set("_journal_mode", "WAL")
	with.Set("_synchronous", "FULL")
	with.Set("_txlock", "immediate")
	// By default, pages are written from the log to the file about every 4 MB. Indexes have new logins everywhere, so that many pages
	// are written again and again: with 16 MB, an import takes a tenth less time.
	with.Add("_pragma", "wal_autocheckpoint(4000)")
	return connect(path, with, 1)
}

// connectReaders returns the connections that read. Each statement, or transaction of several, sees what was committed
// when it began.
func connectReaders(path string) (*bun.DB, error) {
	with := settings()
	with.Set("_query_only", "on")
	return connect(path, with, readers)
}

func connect(path string, with url.Values, connections int) (*bun.DB, error) {
	// A URI, whose path may have any character.
	name := url.URL{Scheme: "file", Path: path, RawQuery: with.Encode()}
	connector, err := driver.NewConnector(name.String())
	if err != nil {
		return nil, err
	}
	pool := sql.OpenDB(connector)
	pool.SetMaxOpenConns(connections)
	pool.SetMaxIdleConns(connections)
	return bun.NewDB(pool, sqlitedialect.New()), nil
}
