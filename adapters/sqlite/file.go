package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/gofrs/flock"
	driver "modernc.org/sqlite"

	"github.com/userfarm/userfarm/adapters/bunstore"
)

var (
	// ErrInUse says that another process, or another store of this one, has the file open.
	ErrInUse = errors.New("in use by another userfarm")

	// errOtherName is an [ErrInUse] about a file that was opened by another name, so that its write-ahead log is elsewhere.
	errOtherName = fmt.Errorf("%w, which opened it by another name", ErrInUse)

	// errLinked says that the file has several names. SQLite puts the write-ahead log beside the name by which it opened the file,
	// so that programs that use different names would not see what the others wrote.
	errLinked = errors.New("the file has several names (hard links): remove the others")

	errNotRegular = errors.New("not a regular file")

	// errLogAlone keeps SQLite from removing a write-ahead log with what was answered last.
	errLogAlone = errors.New("the file is missing or empty, but its write-ahead log (-wal) is there: put the file back, " +
		"or remove the log if you do not need what it has")
)

// file is a database file that no farm but this one may open.
type file struct {
	path   string // absolute, without symbolic links: the same for every process that locks the file by its name
	lock   *flock.Flock
	handle *os.File
}

// claim makes the file at path if there is none and locks it. One lock is on a file beside it, which stays when it is released:
// removing it could remove a lock that another process just took. Where the system has such locks, another one is on the file itself,
// which may have another name meanwhile. Both end with the process, also after kill -9.
func claim(path string) (*file, error) {
	resolved, err := resolve(path)
	if err != nil {
		return nil, fmt.Errorf("sqlite: open %s: %w", path, err)
	}
	if err := checkInode(resolved); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("sqlite: open %s: %w", path, err)
	}
	lock := flock.New(resolved + lockSuffix)
	locked, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("sqlite: open %s: %w", path, err)
	}
	if !locked {
		return nil, fmt.Errorf("sqlite: %s is %w", path, ErrInUse)
	}
	handle, err := claimInode(resolved)
	switch {
	case errors.Is(err, ErrInUse):
		err = fmt.Errorf("sqlite: %s is %w", path, err)
	case err != nil:
		err = fmt.Errorf("sqlite: open %s: %w", path, err)
	default:
		return &file{path: resolved, lock: lock, handle: handle}, nil
	}
	return nil, errors.Join(err, lock.Unlock())
}

// claimInode opens the file, and locks it whatever its name is. A new file is for its owner alone, and SQLite gives the files that it
// puts beside it the same mode.
func claimInode(path string) (*os.File, error) {
	if isEmpty(path) && !isEmpty(path+"-wal") {
		return nil, errLogAlone
	}
	handle, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lockInode(handle); err != nil {
		return nil, errors.Join(err, handle.Close())
	}
	return handle, nil
}

// isEmpty reports whether a file has no content, or can't be read.
func isEmpty(path string) bool {
	info, err := os.Stat(path)
	return err != nil || info.Size() == 0
}

// checkInode returns an error unless the file is a regular one that has one name.
func checkInode(path string) error {
	info, err := os.Lstat(path)
	switch {
	case err != nil:
		return err
	case info.IsDir():
		return syscall.EISDIR
	case !info.Mode().IsRegular():
		return errNotRegular
	case links(info) > 1:
		return errLinked
	default:
		return nil
	}
}

// release lets other farms open the file.
func (f *file) release() error {
	unlockInode(f.handle)
	return f.lock.Unlock()
}

// close releases the file. SQLite must have closed it before: closing any handle of the file drops the locks that SQLite has on it in
// this process.
func (f *file) close() error { return errors.Join(f.release(), f.handle.Close()) }

// resolve follows symbolic links, so that a file has one lock by whatever link it is opened.
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

// reason returns why the file could not be opened, if it is the system that knows or SQLite has only a number for it.
func reason(path string, err error) error {
	if causeOf(err) == bunstore.Full {
		return fmt.Errorf("its disk is full: %w", err)
	}
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
