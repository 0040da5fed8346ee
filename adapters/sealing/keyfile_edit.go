package sealing

import (
	"errors"
	"fmt"
	"os"
	"slices"
)

// Errors of the functions that edit a key file.
var (
	// ErrKeyNotInFile says that no key of the file has the id.
	ErrKeyNotInFile = errors.New("no key of the file has this id")
	// ErrSealingKey says that the key is the first one, which seals.
	ErrSealingKey = errors.New("it is the key that seals: promote another one first")
)

// KeyIDs returns the ids of the keys in the file, in their order.
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

// RemoveKey takes a key out of the file for good. It returns [ErrKeyNotInFile], or [ErrSealingKey] for the first one, and so
// for the last that is left. Comments stay, and say that the key they are about was removed.
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

// editKeyFile replaces the file by what edit makes of it, whole, and keeps other editors away meanwhile.
func editKeyFile(path string, edit func(keyList) (keyList, error)) (err error) {
	file, err := lockKeyFile(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.unlock()) }()
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
