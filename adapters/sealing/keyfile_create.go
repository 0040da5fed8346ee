package sealing

import (
	"crypto/rand"
	"fmt"
)

// CreateKeyFile writes a new file with one new random key, readable by its owner only. It returns an [os.ErrExist] if
// there is a file at path. The file is on disk, whole, when it returns: what a key seals must not outlive the key.
func CreateKeyFile(path string) error {
	if err := writeNewFile(path, keyFileHeader+newKeyLine(newKey()).text); err != nil {
		return fmt.Errorf("sealing: create key file: %w", err)
	}
	return nil
}

func newKey() []byte {
	key := make([]byte, KeySize)
	_, _ = rand.Read(key) // never fails, by its documentation
	return key
}
