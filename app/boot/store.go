package boot

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"

	"go.uber.org/fx"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/adapters/memory"
	"github.com/userfarm/userfarm/adapters/metrics"
	"github.com/userfarm/userfarm/adapters/postgres"
	"github.com/userfarm/userfarm/adapters/sealing"
	"github.com/userfarm/userfarm/adapters/sqlite"
	"github.com/userfarm/userfarm/ports"
)

// newStore opens the store and brings its schema up to date. The store closes when the farm stops. The sealer has the keys of the store.
func newStore(
	ctx context.Context, lc fx.Lifecycle, measured *metrics.Metrics, cfg Config, log *slog.Logger,
) (ports.Store, ports.Sealer, error) {
	where, err := parseStoreURL(cfg.Store)
	if err != nil {
		return nil, nil, err
	}
	if where.kind == inMemory {
		log.Warn("users are kept in memory only: they are lost when the farm stops")
		sealer, err := sealing.NewKeyRing(newKey())
		return memory.NewWith(cfg.loginRule(), measured), sealer, err
	}
	logins := bunstore.Logins{Rule: cfg.loginRule(), Report: func(number int, some []bunstore.Duplicate) {
		log.Warn("users are the same accounts as older users, as their logins are compared now, and are in quarantine for that; "+
			"see Logins in adapters/http/README.md", "users", number, "some", names(some))
	}}
	store, sealer, err := openDatabase(ctx, where, cfg.EncryptionKeyFile, &logins, log, measured)
	if err != nil {
		return nil, nil, err
	}
	lc.Append(fx.StopHook(store.Close))
	return store, sealer, nil
}

// newKey returns an encryption key that ends with the process.
func newKey() []byte {
	key := make([]byte, sealing.KeySize)
	_, _ = rand.Read(key) // never fails, by its documentation
	return key
}

// names returns one text for each duplicate, for people to read.
func names(duplicates []bunstore.Duplicate) []string {
	all := make([]string, len(duplicates))
	for i, d := range duplicates {
		all[i] = fmt.Sprintf("%q (%v) is %v", d.Login, d.User, d.Older)
	}
	return all
}

// openDatabase opens a database for a farm, or, without logins, for an administrator of its keys. The sealer has its encryption keys.
func openDatabase(
	ctx context.Context, where storeURL, keyFile string, logins *bunstore.Logins, log *slog.Logger, observers ...ports.Observer,
) (*bunstore.Store, ports.Sealer, error) {
	keys, err := findKeys(where, keyFile, log)
	if err != nil {
		return nil, nil, err
	}
	var store *bunstore.Store
	switch {
	case where.kind == inPostgres && logins != nil:
		store, err = postgres.Open(ctx, where.url, keys, *logins, observers...)
	case where.kind == inPostgres:
		store, err = postgres.OpenShared(ctx, where.url, keys)
	case logins != nil:
		store, err = sqlite.Open(ctx, where.file, keys, *logins, observers...)
	default:
		store, err = sqlite.OpenShared(ctx, where.file, keys)
	}
	if errors.Is(err, bunstore.ErrMissingKey) {
		err = fmt.Errorf("encryption key file %s: %w", keys.file, err)
	}
	if err != nil {
		return nil, nil, errors.Join(err, keys.discardIfNew())
	}
	keys.announce(log)
	return store, keys, nil
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
