package sealing

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const keyFileHeader = `# userfarm encryption keys, one a line, base64 of 32 bytes. The first seals, all open.
# Without this file the passwords in the database can't be read: back it up, apart from the database.
# To change the key, add the new one as the second, restart every replica, and only then make it the first.
`

// ReadKeyFile returns the ring whose keys are in the file at path: one a line, base64 of [KeySize] bytes, the sealing
// key first. Empty lines and lines that begin with # are comments. Errors name the line, never its text.
func ReadKeyFile(path string) (*KeyRing, error) {
	text, err := os.ReadFile(path) //nolint:gosec // the operator chooses the file
	if err != nil {
		return nil, fmt.Errorf("sealing: %w", err)
	}
	keys, err := parseKeys(text)
	if err != nil {
		return nil, fmt.Errorf("sealing: key file %s: %w", path, err)
	}
	return NewKeyRing(keys...)
}

func parseKeys(text []byte) ([][]byte, error) {
	var keys [][]byte
	number := 0
	for line := range bytes.Lines(text) {
		number++
		entry := strings.TrimSpace(string(line))
		if entry == "" || strings.HasPrefix(entry, "#") {
			continue
		}
		key, err := base64.StdEncoding.DecodeString(entry)
		if err != nil || len(key) != KeySize {
			return nil, fmt.Errorf("line %d is not the base64 of %d bytes (make one with: openssl rand -base64 %d)",
				number, KeySize, KeySize)
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("it has no key (make one with: openssl rand -base64 %d)", KeySize)
	}
	return keys, nil
}

// CreateKeyFile writes a new file with one new random key, readable by its owner only. It returns an [os.ErrExist] if
// there is a file at path. The file is on disk, whole, when it returns: what a key seals must not outlive the key.
func CreateKeyFile(path string) error {
	key := make([]byte, KeySize)
	if _, err := rand.Read(key); err != nil {
		return fmt.Errorf("sealing: %w", err)
	}
	text := keyFileHeader + base64.StdEncoding.EncodeToString(key) + "\n"
	if err := writeNewFile(path, []byte(text)); err != nil {
		return fmt.Errorf("sealing: create key file: %w", err)
	}
	return nil
}

// writeNewFile gives the file its name only when it is whole, so that a crash leaves the whole file or none.
func writeNewFile(path string, text []byte) (err error) {
	dir := filepath.Dir(path)
	file, err := os.CreateTemp(dir, filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(file.Name())) }()
	_, err = file.Write(text)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Link(file.Name(), path); err != nil { // unlike a rename, it fails if path exists
		return err
	}
	return syncDir(dir)
}

func syncDir(dir string) error {
	folder, err := os.Open(dir) //nolint:gosec // the folder of the operator's file
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
