package boot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"go.uber.org/fx"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/adapters/memory"
	"github.com/userfarm/userfarm/adapters/postgres"
	"github.com/userfarm/userfarm/adapters/sqlite"
	"github.com/userfarm/userfarm/ports"
)

// newStore opens the store and brings its schema up to date. The store closes when the farm stops.
func newStore(ctx context.Context, lc fx.Lifecycle, cfg StoreConfig, log *slog.Logger) (ports.Store, error) {
	where, err := parseStoreURL(cfg.Store)
	if err != nil {
		return nil, err
	}
	if where.kind == inMemory {
		log.Warn("users are kept in memory only: they are lost when the farm stops")
		return memory.New(), nil
	}
	store, err := openDatabase(ctx, where, cfg.EncryptionKeyFile, sqlite.Open, log)
	if err != nil {
		return nil, err
	}
	lc.Append(fx.StopHook(store.Close))
	return store, nil
}

// openSQLite is [sqlite.Open], or [sqlite.OpenShared].
type openSQLite func(ctx context.Context, path string, sealer ports.Sealer) (*bunstore.Store, error)

func openDatabase(
	ctx context.Context, where storeURL, keyFile string, openFile openSQLite, log *slog.Logger,
) (*bunstore.Store, error) {
	keys, err := findKeys(where, keyFile, log)
	if err != nil {
		return nil, err
	}
	var store *bunstore.Store
	if where.kind == inPostgres {
		store, err = postgres.Open(ctx, where.url, keys)
	} else {
		store, err = openFile(ctx, where.file, keys)
	}
	if errors.Is(err, bunstore.ErrMissingKey) {
		err = fmt.Errorf("encryption key file %s: %w", keys.file, err)
	}
	if err != nil {
		return nil, errors.Join(err, keys.discardIfNew())
	}
	keys.announce(log)
	return store, nil
}

// Migrate brings the schema of the store up to date. It changes nothing else.
func Migrate(ctx context.Context, cfg StoreConfig) error {
	where, err := parseStoreURL(cfg.Store)
	if err != nil {
		return err
	}
	switch where.kind {
	case inPostgres:
		return postgres.Migrate(ctx, where.url)
	case inSQLite:
		return sqlite.Migrate(ctx, where.file)
	default:
		return errors.New("a store in memory has no schema to migrate")
	}
}
