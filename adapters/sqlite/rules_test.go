package sqlite

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/adapters/bunstore/bunstoretest"
	"github.com/userfarm/userfarm/adapters/sealing"
)

func TestRules(t *testing.T) {
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
	db, err := connectReaders(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	bunstoretest.TestRules(t, store, db, rules)
}
