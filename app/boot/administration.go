package boot

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/app"
	"github.com/userfarm/userfarm/ports"
)

// Administer opens the store of a farm for an administrator of its keys, also while farms serve it. It brings the schema up to
// date. If mayBeNew, it creates a missing SQLite file. The caller closes the store.
func Administer(ctx context.Context, cfg StoreConfig, mayBeNew bool) (*bunstore.Store, error) {
	where, err := parseStoreURL(cfg.Store)
	if err != nil {
		return nil, err
	}
	if where.kind == inMemory {
		return nil, errors.New("--store: only the farm itself can reach a store in memory")
	}
	if where.kind == inSQLite && !mayBeNew {
		if _, err := os.Stat(where.file); err != nil {
			return nil, fmt.Errorf("--store: %w", err)
		}
	}
	log, err := newLogger(LogConfig{LogLevel: "info", LogFormat: "auto"})
	if err != nil {
		return nil, err
	}
	store, _, err := openDatabase(ctx, where, cfg.EncryptionKeyFile, nil, log)
	return store, err
}

// APIKeys returns the API keys of a store.
func APIKeys(store ports.Store) (ports.Keys, error) { return app.New(store, app.Settings{}) }

// KeyFile returns the path of the file with the store's encryption keys.
func (c StoreConfig) KeyFile() (string, error) {
	where, err := parseStoreURL(c.Store)
	if err != nil {
		return "", err
	}
	return keyFile(where, c.EncryptionKeyFile)
}
