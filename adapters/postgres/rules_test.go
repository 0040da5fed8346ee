package postgres

import (
	"bytes"
	"testing"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/adapters/bunstore/bunstoretest"
	"github.com/userfarm/userfarm/adapters/postgres/postgrestest"
	"github.com/userfarm/userfarm/adapters/sealing"
)

func TestRules(t *testing.T) {
	store, db := openBoth(t)
	bunstoretest.TestRules(t, store, db, rules)
}

func TestEventFilters(t *testing.T) {
	store, db := openBoth(t)
	bunstoretest.TestEventFilters(t, store, db)
}

// openBoth opens an empty store, and connects to its database.
func openBoth(t *testing.T) (*bunstore.Store, *bun.DB) {
	t.Helper()
	databaseURL := postgrestest.Shared(t).NewDatabase(t)
	ring, err := sealing.NewKeyRing(bytes.Repeat([]byte{1}, sealing.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	store, err := Open(t.Context(), databaseURL, ring, bunstore.Logins{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	config, err := parse(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	db := bun.NewDB(stdlib.OpenDB(*config.ConnConfig), pgdialect.New())
	t.Cleanup(func() { _ = db.Close() })
	return store, db
}
