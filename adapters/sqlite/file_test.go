package sqlite_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/adapters/sqlite"
	"github.com/userfarm/userfarm/ports"
)

func TestOnlyTheirOwnerCanReadTheFiles(t *testing.T) {
	folder := t.TempDir()
	addUser(t, open(t, filepath.Join(folder, "users.db"), keyRing(t, 1)))

	files, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]bool)
	for _, file := range files {
		info, err := file.Info()
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode(); mode != 0o600 {
			t.Errorf("%s has the mode %v, want 0600", file.Name(), mode)
		}
		found[file.Name()] = true
	}
	for _, name := range []string{"users.db", "users.db-wal", "users.db-shm", "users.db.lock"} {
		if !found[name] {
			t.Errorf("%s does not exist", name)
		}
	}
}

func TestPathsMayHaveAnyCharacter(t *testing.T) {
	for _, name := range []string{
		"with space.db", "what?.db", "#1.db", "100%.db", "%41.db", "a&b=c+d.db", "é'\".db", "file:x.db",
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), name)
			store := open(t, path, keyRing(t, 1))
			id := addUser(t, store)
			if err := store.Close(); err != nil {
				t.Fatal(err)
			}

			if _, err := os.Stat(path); err != nil {
				t.Errorf("the file has another name: %v", err)
			}
			if _, _, err := open(t, path, keyRing(t, 1)).Find(context.Background(), ports.ByUser(id)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestRelativePathsStartAtTheWorkingFolder(t *testing.T) {
	t.Chdir(t.TempDir())
	open(t, "users.db", keyRing(t, 1))
	if _, err := os.Stat("users.db"); err != nil {
		t.Error(err)
	}
}

func TestOpenNamesTheProblemOfAPath(t *testing.T) {
	folder := t.TempDir()
	text := filepath.Join(folder, "text.db")
	if err := os.WriteFile(text, []byte(strings.Repeat("this is no database\n", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, path, says string }{
		{"a missing folder", filepath.Join(folder, "nowhere", "users.db"), "no such file or directory"},
		{"a folder that is a file", filepath.Join(text, "users.db"), "not a directory"},
		{"a folder", folder, "is a directory"},
		{"another kind of file", text, "file is not a database"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := sqlite.Open(context.Background(), test.path, keyRing(t, 1), bunstore.Logins{})
			if err == nil {
				t.Fatal("the file was opened")
			}
			message := err.Error()
			if !strings.Contains(message, test.says) || !strings.Contains(message, test.path) {
				t.Errorf("got %q, want it to name the path and to contain %q", message, test.says)
			}
			if strings.Contains(message, "\n") {
				t.Errorf("the error has several lines:\n%s", message)
			}
		})
	}
}

func TestOpenRequiresTheKeyThatSealedTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users.db")
	first := keyRing(t, 1)
	if err := open(t, path, first).Close(); err != nil {
		t.Fatal(err)
	}

	_, err := sqlite.Open(context.Background(), path, keyRing(t, 2), bunstore.Logins{})

	if !errors.Is(err, bunstore.ErrMissingKey) {
		t.Fatalf("got %v, want %v", err, bunstore.ErrMissingKey)
	}
	if id := first.KeyIDs()[0]; !strings.Contains(err.Error(), id) {
		t.Errorf("%q does not name the key %s", err, id)
	}
	open(t, path, keyRing(t, 2, 1)) // a rejected open releases the file
}

func TestMigrateReleasesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users.db")
	for range 2 {
		if err := sqlite.Migrate(context.Background(), path); err != nil {
			t.Fatal(err)
		}
	}
	open(t, path, keyRing(t, 1))
}
