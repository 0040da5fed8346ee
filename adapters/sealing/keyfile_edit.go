package sealing

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/gofrs/flock"
)

// Errors of the functions that edit a key file.
var (
	// ErrKeyNotInFile says that no key of the file has the id.
	ErrKeyNotInFile = errors.New("no key of the file has this id")
	// ErrSealingKey says that the key is the first one, which seals.
	ErrSealingKey = errors.New("it is the key that seals: promote another one first")
)

// CreateKeyFile writes a new file with one new random key, readable by its owner only. It returns an [os.ErrExist] if
// there is a file at path, and then writes nothing: the disk may be full, or the folder read-only. The whole file is on disk when it
// returns, because a sealed password must not outlive its key.
func CreateKeyFile(path string) error {
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("sealing: create key file: %s: %w", path, os.ErrExist)
	}
	if err := writeNewFile(path, keyFileHeader+newKeyLine(newKey()).text); err != nil {
		return fmt.Errorf("sealing: create key file: %w", err)
	}
	return nil
}

// KeyIDs returns the ids of the keys in the file, in the order of the file.
func KeyIDs(path string) ([]string, error) {
	ring, err := readKeyFile(path)
	if err != nil {
		return nil, err
	}
	return ring.KeyIDs(), nil
}

// AddKey adds a new random key to the file and returns its id. It becomes the first key, which seals; a standby key becomes
// the last, which only opens.
func AddKey(path string, standby bool) (id string, err error) {
	key := newKey()
	err = editKeyFile(path, func(list keyList) (keyList, error) {
		at := list.begin(list.first())
		if standby {
			at = list.last() + 1
		}
		return slices.Insert(list, at, newKeyLine(key)), nil
	})
	if err != nil {
		return "", fmt.Errorf("sealing: add a key: %w", err)
	}
	return idOf(key).String(), nil
}

// Promote makes a key of the file the first one, which seals. It returns [ErrKeyNotInFile].
func Promote(path, id string) error {
	err := editKeyFile(path, func(list keyList) (keyList, error) {
		key := list.find(id)
		if key < 0 {
			return nil, ErrKeyNotInFile
		}
		first := list.begin(list.first())
		if key == list.first() {
			return list, nil
		}
		begin := list.begin(key)
		lines := slices.Clone(list[begin : key+1])
		return slices.Insert(slices.Delete(list, begin, key+1), first, lines...), nil
	})
	if err != nil {
		return fmt.Errorf("sealing: promote key %s: %w", id, err)
	}
	return nil
}

// RemoveKey removes a key from the file for good. It returns [ErrKeyNotInFile], or [ErrSealingKey] for the first key, and so
// for the only one. A comment about the key stays, and says that the key was removed.
func RemoveKey(path, id string) error {
	err := editKeyFile(path, func(list keyList) (keyList, error) {
		key := list.find(id)
		switch {
		case key < 0:
			return nil, ErrKeyNotInFile
		case key == list.first():
			return nil, ErrSealingKey
		case list.begin(key) < key:
			list[key] = keyLine{text: "# (key " + id + " was here, and was removed)\n\n"}
			return list, nil
		default:
			return slices.Delete(list, key, key+1), nil
		}
	})
	if err != nil {
		return fmt.Errorf("sealing: remove key %s: %w", id, err)
	}
	return nil
}

func newKey() []byte {
	key := make([]byte, KeySize)
	_, _ = rand.Read(key) // never fails, by its documentation
	return key
}

// editKeyFile replaces the file by what edit returns, while it locks out other editors. A crash leaves the old file or the
// new one, whole.
func editKeyFile(path string, edit func(keyList) (keyList, error)) (err error) {
	file, err := lockKeyFile(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.lock.Unlock()) }()
	text, err := os.ReadFile(file.path)
	if err != nil {
		return err
	}
	list, err := parseKeyList(string(text))
	if err != nil {
		return fmt.Errorf("key file %s: %w", path, err)
	}
	edited, err := edit(list)
	if err != nil {
		return err
	}
	if _, err := NewKeyRing(edited.keys()...); err != nil {
		return err
	}
	return replaceFile(file.path, edited.String(), file.info)
}

// lockedFile is a key file that no other editor can change.
type lockedFile struct {
	path string // without symbolic links, so that a link stays a link when the file is replaced
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
		file := &lockedFile{path: path, lock: flock.New(path, flock.SetFlag(os.O_RDONLY))} // the flag does not create the file
		if err := file.lock.Lock(); err != nil {
			return nil, err
		}
		current, err := file.isCurrent()
		if err != nil {
			return nil, errors.Join(err, file.lock.Unlock())
		}
		if current {
			return file, nil
		}
		if err := file.lock.Unlock(); err != nil { // another editor replaced the file while this one waited
			return nil, err
		}
	}
}

// isCurrent reports whether the locked file is still the one at its path.
func (f *lockedFile) isCurrent() (bool, error) {
	locked, err := f.lock.Stat()
	if err != nil {
		return false, err
	}
	f.info, err = os.Stat(f.path)
	return err == nil && os.SameFile(locked, f.info), err
}

// writeNewFile creates the file under another name and then links it to its path, so that a crash leaves the whole file at the
// path or none. The other name is random, because several processes may create the file at once.
func writeNewFile(path, text string) (err error) {
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(file.Name())) }()
	_, err = file.WriteString(text)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	if err := os.Link(file.Name(), path); err != nil { // unlike a rename, it fails if path exists
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// syncFolder makes a new name in the folder survive a crash of the machine.
func syncFolder(path string) error {
	folder, err := os.Open(path) //nolint:gosec // the folder of the operator's file
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
