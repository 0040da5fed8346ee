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

// keys are the encryption keys and the file that they came from.
type keys struct {
	ring *sealing.KeyRing
	file string
	made bool // the file was made for this start
}

// findKeys reads the key file that the operator named, or else the one beside the SQLite file, which it makes if there
// is none.
func findKeys(where storeURL, named string) (keys, error) {
	found := keys{file: named}
	if named == "" {
		if where.kind == inPostgres {
			return keys{}, errors.New("PostgreSQL needs --encryption-key-file, the same for every replica; " +
				"make one with: (umask 077; openssl rand -base64 32 > userfarm.key)")
		}
		if _, err := os.Stat(filepath.Dir(where.file)); err != nil {
			return keys{}, fmt.Errorf("--store: the folder of the SQLite file: %w", err)
		}
		found.file = strings.TrimSuffix(where.file, filepath.Ext(where.file)) + ".key"
		err := sealing.CreateKeyFile(found.file)
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return keys{}, err
		}
		found.made = err == nil
	}
	ring, err := sealing.ReadKeyFile(found.file)
	if err != nil {
		return keys{}, err
	}
	found.ring = ring
	return found, nil
}

// announce tells the operator what to do about the file, once the store is open.
func (k keys) announce(log *slog.Logger) {
	if k.made {
		log.Info("made an encryption key: back it up, the passwords can't be read without it", "file", k.file)
	}
	const others = 0o007
	if info, err := os.Stat(k.file); err == nil && info.Mode().Perm()&others != 0 {
		log.Warn("everybody on this machine can read the encryption keys: chmod 600 the file", "file", k.file)
	}
}

// discardIfNew removes a key file that was made for a store which could not be opened.
func (k keys) discardIfNew() error {
	if !k.made {
		return nil
	}
	if err := os.Remove(k.file); err != nil {
		return fmt.Errorf("remove the key file that was made in vain: %w", err)
	}
	return nil
}
