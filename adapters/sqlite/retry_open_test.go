package sqlite

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofrs/flock"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/adapters/sealing"
)

func TestAFarmWaitsAMomentForTheLockOfAnotherProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "users.db")
		releaseAfter(t, lockPatience/2, claimed(t, path))

		store, err := Open(t.Context(), path, ring(t), bunstore.Logins{})

		if err != nil {
			t.Fatal(err)
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestAFarmStopsWaitingForTheLockWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "users.db")
		file := claimed(t, path)
		defer func() { must(t, file.release()) }()
		ctx, cancel := context.WithTimeout(t.Context(), lockPatience/2)
		defer cancel()
		if _, err := Open(ctx, path, ring(t), bunstore.Logins{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("open = %v, want %v", err, context.DeadlineExceeded)
		}
	})
}

func TestAKeyCommandWaitsForTheSchema(t *testing.T) {
	for name, begin := range beginnings() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "users.db")
				begin(t, path)
				file := claimed(t, path)
				db := &database{path: file.path, file: file}
				migrated := make(chan error, 1)
				go func() {
					time.Sleep(othersPatience / 2)
					var err error
					file.handle, err = claimInode(path)
					migrated <- errors.Join(err, db.connect(func(files fs.FS) error {
						return bunstore.Migrate(t.Context(), db.writer, files)
					}))
				}()

				store, err := OpenShared(t.Context(), path, ring(t))

				if err != nil {
					t.Errorf("open = %v", err)
				} else if err := store.Close(); err != nil {
					t.Error(err)
				}
				if err := errors.Join(<-migrated, db.close()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestAKeyCommandReportsASchemaOfAnOlderFarm(t *testing.T) {
	for name, begin := range beginnings() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "users.db")
				begin(t, path)
				file := claimed(t, path)
				defer func() { must(t, file.release()) }()
				if _, err := OpenShared(t.Context(), path, ring(t)); !errors.Is(err, bunstore.ErrBehind) {
					t.Errorf("open = %v, want %v", err, bunstore.ErrBehind)
				}
			})
		})
	}
}

func TestAFarmMigratesDuringAWriteOfAnotherProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users.db")
	writeFirstSchema(t.Context(), t, path, func(*database) {})
	writer, err := connectWriter(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = writer.Close() }()
	writing, err := writer.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	committed := make(chan error, 1)
	go func() {
		time.Sleep(300 * time.Millisecond) // longer than SQLite itself waits
		committed <- writing.Commit()
	}()

	store, err := Open(t.Context(), path, ring(t), bunstore.Logins{})

	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(<-committed, store.Close()); err != nil {
		t.Error(err)
	}
}

// beginnings are states of a schema that a key command may find.
func beginnings() map[string]func(t *testing.T, path string) {
	return map[string]func(t *testing.T, path string){
		"no file":          func(*testing.T, string) {},
		"an empty file":    func(t *testing.T, path string) { must(t, os.WriteFile(path, nil, 0o600)) },
		"the first schema": func(t *testing.T, path string) { writeFirstSchema(t.Context(), t, path, func(*database) {}) },
	}
}

// claimed locks a file and returns it. It does not create the file.
func claimed(t *testing.T, path string) *file {
	t.Helper()
	resolved, err := resolve(path)
	must(t, err)
	lock := flock.New(resolved + ".lock")
	if locked, err := lock.TryLock(); err != nil || !locked {
		t.Fatalf("lock = %v, %v", locked, err)
	}
	return &file{path: resolved, lock: lock}
}

func releaseAfter(t *testing.T, pause time.Duration, file *file) {
	time.AfterFunc(pause, func() {
		if err := file.release(); err != nil {
			t.Error(err)
		}
	})
}

func ring(t *testing.T) *sealing.KeyRing {
	t.Helper()
	keys, err := sealing.NewKeyRing(bytes.Repeat([]byte{1}, sealing.KeySize))
	must(t, err)
	return keys
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
