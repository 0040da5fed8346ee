package sealing

import (
	"errors"
	"os"
	"path/filepath"
)

// writeNewFile gives the file its name only when it is whole, so that a crash leaves the whole file or none.
func writeNewFile(path, text string) (err error) {
	whole, err := writeBeside(path, text, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(whole)) }()
	if err := os.Link(whole, path); err != nil { // unlike a rename, it fails if path exists
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// replaceFile puts a new file in the place of an old one, with its owner and mode: a crash leaves one of the two, whole.
func replaceFile(path, text string, old os.FileInfo) error {
	whole, err := writeBeside(path, text, old)
	if err != nil {
		return err
	}
	if err := os.Rename(whole, path); err != nil {
		return errors.Join(err, os.Remove(whole))
	}
	return syncFolder(filepath.Dir(path))
}

// writeBeside writes a file in the folder of path, with the owner and mode of another one if there is one, and else
// readable by its owner only. When it returns the file's path, the text is on disk.
func writeBeside(path, text string, like os.FileInfo) (written string, err error) {
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return "", err
	}
	_, err = file.WriteString(text)
	if err == nil && like != nil {
		err = errors.Join(keepOwner(file, like), file.Chmod(like.Mode().Perm()))
	}
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return "", errors.Join(err, os.Remove(file.Name()))
	}
	return file.Name(), nil
}

func syncFolder(path string) error {
	folder, err := os.Open(path) //nolint:gosec // the folder of the operator's file
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
