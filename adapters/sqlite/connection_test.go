package sqlite

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/uptrace/bun"
)

func TestConnectionsHaveTheirSettings(t *testing.T) {
	db, err := open(context.Background(), filepath.Join(t.TempDir(), "users.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.close() })

	for name, test := range map[string]struct {
		pool     *bun.DB
		settings map[string]string
	}{
		"writer": {db.writer, map[string]string{
			"journal_mode": "wal", "synchronous": "2", "busy_timeout": "100", "foreign_keys": "1", "query_only": "0",
		}},
		"reader": {db.reader, map[string]string{
			"journal_mode": "wal", "busy_timeout": "100", "foreign_keys": "1", "query_only": "1",
		}},
	} {
		for setting, want := range test.settings {
			var got string
			if err := test.pool.QueryRow("PRAGMA " + setting).Scan(&got); err != nil {
				t.Fatal(err)
			}
			if got != want {
				t.Errorf("%s: %s is %s, want %s", name, setting, got, want)
			}
		}
	}
}

func TestReadConnectionsCanNotWrite(t *testing.T) {
	db, err := open(context.Background(), filepath.Join(t.TempDir(), "users.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.close() })

	if _, err := db.reader.Exec("DELETE FROM users"); err == nil || !strings.Contains(err.Error(), "readonly") {
		t.Errorf("got %v, want an error", err)
	}
}
