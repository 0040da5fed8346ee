package sealing

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// writeNewFile gives the file its name only when it is whole, so that a crash leaves the whole file or none under that.
// What it writes before has a name that nobody else uses, as several may make the file at once.
func writeNewFile(path, text string) (err error) {
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(file.Name())) }()
	if err := writeWhole(file, text, nil); err != nil {
		return err
	}
	if err := os.Link(file.Name(), path); err != nil { // unlike a rename, it fails if path exists
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// replaceFile puts a new file in the place of an old one, with its owner and mode: a crash leaves one of the two, whole. The
// caller must keep others from doing the same: what is written before has always the same name, so that no crash leaves
// keys behind for longer than until the next edit.
func replaceFile(path, text string, old os.FileInfo) error {
	whole := path + ".new"
	if err := os.Remove(whole); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	file, err := os.OpenFile(whole, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // beside the operator's file
	if err != nil {
		return err
	}
	err = writeWhole(file, text, old)
	if err == nil {
		err = os.Rename(whole, path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(whole))
	}
	return syncFolder(filepath.Dir(path))
}

// writeWhole writes a new file, gives it the owner and mode of another one if there is one, and closes it. When it returns
// nil, the text is on disk.
func writeWhole(file *os.File, text string, like os.FileInfo) error {
	_, err := file.WriteString(text)
	if err == nil && like != nil {
		err = errors.Join(keepOwner(file, like), file.Chmod(like.Mode().Perm()))
	}
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

func syncFolder(path string) error {
	folder, err := os.Open(path) //nolint:gosec // the folder of the operator's file
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
