package sqlite

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/uptrace/bun"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/adapters/bunstore/bunstoretest"
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

// openBoth opens an empty store, and its file once more.
func openBoth(t *testing.T) (*bunstore.Store, *bun.DB) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "users.db")
	ring, err := sealing.NewKeyRing(bytes.Repeat([]byte{1}, sealing.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	store, err := Open(t.Context(), path, ring, bunstore.Logins{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	db, err := connectWriter(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return store, db
}
