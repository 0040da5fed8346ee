package sealing

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

// lockedFile is a key file that no other editor changes.
type lockedFile struct {
	path string // without symbolic links, so that a link stays one when the file is replaced
	info os.FileInfo
	lock *flock.Flock
}

// lockKeyFile waits until no other editor has the file.
func lockKeyFile(path string) (*lockedFile, error) {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, err
	}
	for {
		file := &lockedFile{path: path, lock: flock.New(path, flock.SetFlag(os.O_RDONLY))} // without making it
		if err := file.lock.Lock(); err != nil {
			return nil, err
		}
		current, err := file.isCurrent()
		if err != nil {
			return nil, errors.Join(err, file.unlock())
		}
		if current {
			return file, nil
		}
		if err := file.unlock(); err != nil { // of a file that was replaced while we waited
			return nil, err
		}
	}
}

// isCurrent reports whether the file that is locked is the one that has the name.
func (f *lockedFile) isCurrent() (bool, error) {
	locked, err := f.lock.Stat()
	if err != nil {
		return false, err
	}
	f.info, err = os.Stat(f.path)
	return err == nil && os.SameFile(locked, f.info), err
}

func (f *lockedFile) unlock() error { return f.lock.Unlock() }
