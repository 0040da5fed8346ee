//go:build unix

package sealing

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/google/renameio/v2"
)

// replaceFile replaces a file by one with the same owner and mode. When it returns nil, the new file is on disk. The caller
// must lock out other editors.
func replaceFile(path, text string, old os.FileInfo) (err error) {
	folder := filepath.Dir(path)
	if err := removeUnfinished(path); err != nil {
		return err
	}
	file, err := renameio.NewPendingFile(path, renameio.WithTempDir(folder), renameio.WithStaticPermissions(old.Mode().Perm()))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Cleanup()) }()
	if _, err := file.WriteString(text); err != nil {
		return err
	}
	if err := keepOwner(file.File, old); err != nil {
		return err
	}
	if err := file.CloseAtomicallyReplace(); err != nil {
		return err
	}
	return syncFolder(folder) // renameio leaves that to its caller
}

// removeUnfinished removes the files that killed editors left, because they contain keys. Renameio writes to .<name><number> first.
func removeUnfinished(path string) error {
	folder, prefix := filepath.Dir(path), "."+filepath.Base(path)
	files, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, file := range files {
		number, found := strings.CutPrefix(file.Name(), prefix)
		if _, malformed := strconv.ParseUint(number, 10, 64); !found || malformed != nil {
			continue
		}
		if err := os.Remove(filepath.Join(folder, file.Name())); err != nil {
			return err
		}
	}
	return nil
}

// keepOwner gives the file to the owner and group in info: the farm must be able to read a key file that an administrator has
// edited.
func keepOwner(file *os.File, info os.FileInfo) error {
	wanted, known := info.Sys().(*syscall.Stat_t)
	if !known {
		return nil
	}
	return file.Chown(int(wanted.Uid), int(wanted.Gid))
}
