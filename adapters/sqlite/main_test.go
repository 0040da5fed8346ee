package sqlite_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/userfarm/userfarm/adapters/sqlite"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(childPath); path != "" {
		addAndClaimForever(path)
		return
	}
	if err := migrateOnce(); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// migrated is an empty file whose schema is up to date. With the race detector, most tests would spend more time on migrations than
// on what they test.
var migrated []byte

func migrateOnce() error {
	folder, err := os.MkdirTemp("", "migrated")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	path := filepath.Join(folder, "users.db")
	if err := sqlite.Migrate(context.Background(), path); err != nil {
		return err
	}
	migrated, err = os.ReadFile(path)
	return err
}

// newFile returns the path of an empty file whose schema is up to date.
func newFile(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "users.db")
	if err := os.WriteFile(path, migrated, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
