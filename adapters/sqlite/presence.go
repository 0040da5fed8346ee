package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/userfarm/userfarm/ports"
)

// lockSuffix makes the name of the file that is locked from the name of the database.
const lockSuffix = ".lock"

// presence are the files of an open database, as they were when it was opened. If one of them is no longer the same, what SQLite
// writes is lost to the next program that opens the database, or another farm may open it.
type presence struct {
	path string
	was  map[string]os.FileInfo // by the ends of their names

	// folder is the folder when all files were last seen in it; nil if it had changed shortly before. As long as it does not
	// change, no file of it gets another name.
	folder atomic.Pointer[os.FileInfo]
}

// settled is for how long a folder must not have changed, so that its next change gives it another time, whatever the resolution of
// the file system's clock.
const settled = time.Second

// presenceOf returns the files of a database to which SQLite has just connected.
func presenceOf(path string) (*presence, error) {
	p := &presence{path: path, was: make(map[string]os.FileInfo)}
	for _, suffix := range []string{"", "-wal", "-shm", lockSuffix} {
		info, err := os.Lstat(path + suffix)
		if err != nil {
			return nil, err
		}
		p.was[suffix] = info
	}
	return p, nil
}

// check returns a [ports.UnavailableError] if a file is not the one that it was.
func (p *presence) check() error {
	folder, missing := os.Stat(filepath.Dir(p.path))
	seen := p.folder.Load()
	if seen != nil && missing == nil && os.SameFile(*seen, folder) && folder.ModTime().Equal((*seen).ModTime()) {
		return p.checkFiles("") // which may have been emptied
	}
	p.folder.Store(nil)
	err := p.checkFiles(slices.Collect(maps.Keys(p.was))...)
	if err == nil && missing == nil && time.Since(folder.ModTime()) > settled {
		p.folder.Store(&folder)
	}
	return err
}

// checkFiles is check for the files whose names have these ends.
func (p *presence) checkFiles(suffixes ...string) error {
	for _, suffix := range suffixes {
		was := p.was[suffix]
		is, err := os.Lstat(p.path + suffix)
		var what string
		switch {
		case errors.Is(err, fs.ErrNotExist):
			what = "was removed or renamed"
		case err != nil:
			return fmt.Errorf("%w: %w", unusable("can't be found"), err)
		case !os.SameFile(was, is):
			what = "was replaced by another file"
		case suffix == "" && is.Size() == 0:
			what = "was emptied"
		default:
			continue
		}
		return fmt.Errorf("%w: %s", unusable(what), p.path+suffix)
	}
	return nil
}

func unusable(what string) error {
	return &ports.UnavailableError{Reason: "a file of the SQLite database " + what + " while the farm used it; " +
		"stop the farm, put the files back as they were, and start it again"}
}
