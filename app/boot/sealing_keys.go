package boot

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/userfarm/userfarm/adapters/sealing"
)

// sealingKeys are the encryption keys and their file.
type sealingKeys struct {
	*sealing.KeyFile
	file string
	made bool // this start created the file
}

// keyFile returns the path of the file with the encryption keys: the one that the operator named, or else the one next to the SQLite
// file.
func keyFile(where storeURL, named string) (string, error) {
	switch {
	case named != "":
		return named, nil
	case where.kind == inSQLite:
		return strings.TrimSuffix(where.file, filepath.Ext(where.file)) + ".key", nil
	case where.kind == inPostgres:
		return "", errors.New("PostgreSQL needs --encryption-key-file, the same for every replica; " +
			"make one with: (umask 077; openssl rand -base64 32 > userfarm.key)")
	default:
		return "", errors.New("a store in memory has no encryption keys")
	}
}

// findKeys reads the key file of a store. It creates a missing key file next to an SQLite file, unless the operator named one.
func findKeys(where storeURL, named string, log *slog.Logger) (sealingKeys, error) {
	file, err := keyFile(where, named)
	if err != nil {
		return sealingKeys{}, err
	}
	found := sealingKeys{file: file}
	if named == "" {
		if found.made, err = makeKeyFile(where, file); err != nil {
			return sealingKeys{}, err
		}
	}
	found.KeyFile, err = sealing.OpenKeyFile(file, func(err error) {
		log.Error("the encryption key file can't be used anymore; the farm keeps the keys that it has read", "error", err)
	})
	return found, err
}

// makeKeyFile creates the file unless it exists, and reports whether it did.
func makeKeyFile(where storeURL, file string) (made bool, err error) {
	if _, err := os.Stat(filepath.Dir(where.file)); err != nil {
		return false, fmt.Errorf("--store: the folder of the SQLite file: %w", err)
	}
	err = sealing.CreateKeyFile(file)
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	return err == nil, err
}

// announce logs what the operator should do about the file. It is called when the store is open.
func (k sealingKeys) announce(log *slog.Logger) {
	if k.made {
		log.Info("made an encryption key: back it up, the passwords can't be read without it", "file", k.file)
	}
	warnIfReadable(log, "the encryption keys", k.file)
}

// discardIfNew removes a key file that was created for a store which could not be opened.
func (k sealingKeys) discardIfNew() error {
	if !k.made {
		return nil
	}
	if err := os.Remove(k.file); err != nil {
		return fmt.Errorf("remove the new key file, which is not needed: %w", err)
	}
	return nil
}
