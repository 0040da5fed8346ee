package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
	driver "modernc.org/sqlite"
)

// ErrInUse says that another process, or another store of this one, has the file open.
var ErrInUse = errors.New("in use by another userfarm")

// file is a database file that no farm but this one may open.
type file struct {
	path string // absolute, without symbolic links: the one name of the file for every process that locks it
	lock *flock.Flock
}

// claim makes the file at path if there is none and locks it. The lock is on a file beside it, which stays when it is
// released: removing it could remove a lock that somebody just took. It ends with the process, also after kill -9.
func claim(path string) (*file, error) {
	resolved, err := resolve(path)
	if err != nil {
		return nil, fmt.Errorf("sqlite: open %s: %w", path, err)
	}
	lock := flock.New(resolved + ".lock")
	locked, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("sqlite: open %s: %w", path, err)
	}
	if !locked {
		return nil, fmt.Errorf("sqlite: %s is %w", path, ErrInUse)
	}
	if err := create(resolved); err != nil {
		_ = lock.Unlock()
		return nil, fmt.Errorf("sqlite: open %s: %w", path, err)
	}
	return &file{path: resolved, lock: lock}, nil
}

func (f *file) release() error { return f.lock.Unlock() }

// resolve follows symbolic links, so that a file has one lock by whatever name it goes.
func resolve(path string) (string, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	resolved, err := filepath.EvalSymlinks(absolute)
	if !errors.Is(err, fs.ErrNotExist) {
		return resolved, err
	}
	folder, err := filepath.EvalSymlinks(filepath.Dir(absolute))
	return filepath.Join(folder, filepath.Base(absolute)), err
}

// create makes the file for its owner alone, and SQLite gives the files that it puts beside it the same mode. It leaves a file
// alone that is there: closing any handle of it would drop the locks that SQLite has on it in this process.
func create(path string) error {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	handle, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return handle.Close()
}

// reason returns why the file could not be opened, if it is the system that knows.
func reason(path string, err error) error {
	const cantOpen = 14
	var answer *driver.Error
	if !errors.As(err, &answer) || answer.Code()&0xff != cantOpen {
		return err
	}
	handle, refused := os.OpenFile(path, os.O_RDWR, 0)
	if refused != nil {
		return refused
	}
	return errors.Join(err, handle.Close())
}
