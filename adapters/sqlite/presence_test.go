package sqlite_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/adapters/sqlite"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

func TestAFileWithSeveralNamesIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users.db")
	store := open(t, path, keyRing(t, 1))
	other := filepath.Join(t.TempDir(), "other.db")
	link(t, path, other)

	_, err := sqlite.Open(context.Background(), other, keyRing(t, 1), bunstore.Logins{})
	wantLinked(t, "Open while a farm uses it", err)
	_, err = sqlite.OpenShared(context.Background(), other, keyRing(t, 1))
	wantLinked(t, "OpenShared while a farm uses it", err)
	_, err = sqlite.OpenShared(context.Background(), path, keyRing(t, 1))
	wantLinked(t, "OpenShared by the same name", err)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = sqlite.Open(context.Background(), path, keyRing(t, 1), bunstore.Logins{})
	wantLinked(t, "Open", err)
	wantLinked(t, "Migrate", sqlite.Migrate(context.Background(), path))

	if err := os.Remove(other); err != nil {
		t.Fatal(err)
	}
	open(t, path, keyRing(t, 1))
}

func wantLinked(t *testing.T, operation string, err error) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), "hard links") || !strings.Contains(err.Error(), ".db") {
		t.Errorf("%s = %v, want an error that names the file and its hard links", operation, err)
	}
}

func link(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Link(from, to); err != nil {
		t.Fatal(err)
	}
}

// disturbance is something that happens to the files of a store, and what undoes it.
type disturbance struct {
	disturb, undo func(path string) error
	says          string
}

// disturbances are what may happen to the files of a store that is open, and what undoes it.
var disturbances = map[string]disturbance{
	"the file is renamed": {
		func(path string) error { return os.Rename(path, path+".old") },
		func(path string) error { return os.Rename(path+".old", path) }, "removed or renamed",
	},
	"the file is removed": {os.Remove, nil, "removed or renamed"},
	"the file gets another name, and loses its own": {
		func(path string) error { return errors.Join(os.Link(path, path+".old"), os.Remove(path)) },
		func(path string) error { return os.Rename(path+".old", path) }, "removed or renamed",
	},
	"the file is replaced by a copy": {replaceByCopy, nil, "replaced"},
	"the file is moved, and a symbolic link to it takes its place": {
		func(path string) error {
			return errors.Join(os.Rename(path, path+".old"), os.Symlink(path+".old", path))
		},
		func(path string) error { return os.Rename(path+".old", path) }, "replaced",
	},
	"the file is replaced by a folder": {
		func(path string) error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o700)) }, nil, "replaced",
	},
	"the file is emptied": {func(path string) error { return os.Truncate(path, 0) }, nil, "emptied"},
	"the folder is renamed": {
		func(path string) error { return os.Rename(filepath.Dir(path), filepath.Dir(path)+".old") },
		func(path string) error { return os.Rename(filepath.Dir(path)+".old", filepath.Dir(path)) }, "removed or renamed",
	},
	"the folder is replaced by a copy": {
		func(path string) error {
			folder := filepath.Dir(path)
			return errors.Join(os.Rename(folder, folder+".old"), os.CopyFS(folder, os.DirFS(folder+".old")))
		}, nil, "replaced",
	},
	"the write-ahead log is removed":  {func(path string) error { return os.Remove(path + "-wal") }, nil, "removed or renamed"},
	"the write-ahead log is replaced": {func(path string) error { return replaceByCopy(path + "-wal") }, nil, "replaced"},
	"the index of the log is removed": {func(path string) error { return os.Remove(path + "-shm") }, nil, "removed or renamed"},
	"the lock is removed":             {func(path string) error { return os.Remove(path + ".lock") }, nil, "removed or renamed"},
}

func replaceByCopy(path string) error {
	text, err := os.ReadFile(path)
	return errors.Join(err, os.WriteFile(path+".new", text, 0o600), os.Rename(path+".new", path))
}

// Each operation would be answered, and then be lost or contradict another farm.
func TestAStoreWhoseFilesAreGoneIsUnavailable(t *testing.T) {
	for name, test := range disturbances {
		t.Run(name, func(t *testing.T) { wantUnavailable(t, test, false) })
		t.Run(name+", some time after the start", func(t *testing.T) { wantUnavailable(t, test, true) })
	}
}

// wantUnavailable disturbs the files of a store. If they are settled, their folder has not changed for long.
func wantUnavailable(t *testing.T, test disturbance, settled bool) {
	t.Helper()
	ctx := context.Background()
	folder := filepath.Join(t.TempDir(), "farm")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, "users.db")
	store := open(t, path, keyRing(t, 1))
	id := addUser(t, store)
	if settled {
		longAgo := time.Now().Add(-time.Hour)
		if err := errors.Join(store.Ping(ctx), os.Chtimes(folder, longAgo, longAgo)); err != nil {
			t.Fatal(err)
		}
		if _, _, err := store.Find(ctx, ports.ByUser(id)); err != nil {
			t.Fatal(err)
		}
	}
	if err := test.disturb(path); err != nil {
		t.Fatal(err)
	}

	user, err := newUser()
	if err != nil {
		t.Fatal(err)
	}
	add := func() error { return store.Add(ctx, domain.Once{}, user) }
	operations := map[string]func() error{
		"ping": func() error { return store.Ping(ctx) },
		"add":  add,
		"find": func() error { _, _, err := store.Find(ctx, ports.ByUser(id)); return err },
		"claim": func() error {
			_, err := store.Claim(ctx, ports.Claim{Want: []domain.Selector{{UserID: id}}, Decide: nil})
			return err
		},
	}
	for operation, run := range operations {
		unavailable, known := errors.AsType[*ports.UnavailableError](run())
		if !known || !strings.Contains(unavailable.Reason, test.says) || strings.Contains(unavailable.Reason, folder) {
			t.Errorf("%s = %v, want that it says %q", operation, unavailable, test.says)
		}
	}
	if test.undo == nil {
		return
	}
	if err := test.undo(path); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(store.Ping(ctx), add()); err != nil {
		t.Errorf("once that is undone: %v", err)
	}
}

// What was answered last is in the write-ahead log, which has the old name.
func TestWhatWasAnsweredIsThereOnceARenamedFileIsPutBack(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "users.db")
	store := open(t, path, keyRing(t, 1))
	id := addUser(t, store)
	if err := errors.Join(os.Rename(path, path+".old"), store.Close()); err != nil {
		t.Fatal(err)
	}
	for _, empty := range []bool{false, true} {
		if empty {
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := sqlite.Open(ctx, path, keyRing(t, 1), bunstore.Logins{}); err == nil || !strings.Contains(err.Error(), "write-ahead log") {
			t.Fatalf("open of a log without its file = %v, want an error that says so", err)
		}
	}
	if err := os.Rename(path+".old", path); err != nil {
		t.Fatal(err)
	}
	if _, _, err := open(t, path, keyRing(t, 1)).Find(ctx, ports.ByUser(id)); err != nil {
		t.Error(err)
	}
}

// What was answered in a write-ahead log that was removed is lost if the farm is killed, but not if it is stopped.
func TestAStopSavesWhatWasAnsweredFromALogThatWasRemoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users.db")
	store := open(t, path, keyRing(t, 1))
	id := addUser(t, store)
	if err := errors.Join(os.Remove(path+"-wal"), os.Remove(path+"-shm")); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := open(t, path, keyRing(t, 1)).Find(context.Background(), ports.ByUser(id)); err != nil {
		t.Error(err)
	}
}

func TestOtherKindsOfFilesAreRefused(t *testing.T) {
	device := filepath.Join(t.TempDir(), "users.db")
	if err := os.Symlink(os.DevNull, device); err != nil {
		t.Fatal(err)
	}
	_, err := sqlite.Open(context.Background(), device, keyRing(t, 1), bunstore.Logins{})
	if err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("open = %v, want that it is not a regular file", err)
	}
}
