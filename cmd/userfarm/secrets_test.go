package main_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/userfarm/userfarm/adapters/postgres/postgrestest"
)

// These tests use every function of a farm, correctly and incorrectly, with unique secrets. Then they look for traces of the secrets in
// everything that the farm answered, logged and stored.

func TestNoSecretIsAnsweredLoggedOrStoredOnSQLite(t *testing.T) {
	w := newSecretCheck(t, nil)
	useEverything(w)
	wantNone := func(file string) {
		text, err := os.ReadFile(filepath.Join(w.dir, file))
		if err != nil || !bytes.Contains(text, []byte(project)) {
			t.Fatalf("%s has %d bytes, and no users (%v)", file, len(text), err)
		}
		w.wantNoTraces(file, text)
	}
	wantNone("userfarm.db-wal") // a stop in order removes it
	w.stop()
	wantNone("userfarm.db")
	w.wantNoTraces("the output of the processes", []byte(w.output.String()))
}

func TestNoSecretIsAnsweredLoggedOrStoredOnPostgreSQL(t *testing.T) {
	server := postgrestest.Start(t)
	database := server.NewDatabase(t)
	w := newSecretCheck(t, []string{"--store", database, "--encryption-key-file", writeKey(t)})
	w.remember(newSecret("the password of the database", server.Password()))
	useEverything(w)

	// The farm logs errors for passwords that can't be opened and for a database that is down.
	server.Exec(t, database, `UPDATE users SET password = set_byte(password, 20, (get_byte(password, 20) + 1) % 256)`)
	w.refused("POST", "/v1/leases", wanted)
	_, _, _ = w.farm.send("GET", "/get_users", "")
	server.Stop()
	w.refused("POST", "/v1/users", w.user("gil", w.password()))
	w.refused("GET", "/v1/leases/"+w.uuid("lease id"), "")
	w.execute(1, "keys", "list")
	server.Resume(t)
	w.stop()
	if !strings.Contains(w.output.String(), `"level":"ERROR"`) {
		t.Error("no error is logged, so there is nothing to check")
	}

	w.wantNoTraces("the output of the processes", []byte(w.output.String()))
	dump := server.Dump(t, database)
	if !bytes.Contains(dump, []byte(project)) {
		t.Fatalf("pg_dump wrote %d bytes, and no users", len(dump))
	}
	w.wantNoTraces("the dump of the database", dump)
}
