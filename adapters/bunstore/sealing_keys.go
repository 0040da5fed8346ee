package bunstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/userfarm/userfarm/ports"
)

// ErrMissingKey says that the database was used with a key that is not available, so it may have passwords that can't be
// read.
var ErrMissingKey = errors.New("encryption key is missing")

// sealingKey is a row of the table sealing_keys: a key that sealed, or may have.
type sealingKey struct {
	bun.BaseModel `bun:"table:sealing_keys,alias:k"`

	KeyID       string `bun:"key_id,pk"`
	FirstUsedAt int64  `bun:"first_used_at"`
}

// removedKey is a row of the table removed_sealing_keys: a key that must not seal users again.
type removedKey struct {
	bun.BaseModel `bun:"table:removed_sealing_keys,alias:r"`

	KeyID     string `bun:"key_id,pk"`
	RemovedAt int64  `bun:"removed_at"`
}

// CheckKeys returns [ErrMissingKey] unless sealer has every key that a store of this database was ever opened with, and
// records the key that it seals with; or [ErrRemovedKey] if that was removed. The caller must keep other processes from
// doing the same at the same time.
func CheckKeys(ctx context.Context, db *bun.DB, dialect Dialect, sealer ports.Sealer) error {
	var used []string
	if err := db.NewSelect().Model((*sealingKey)(nil)).Column("key_id").Order("key_id").Scan(ctx, &used); err != nil {
		return err
	}
	atHand := sealer.KeyIDs()
	missing := slices.DeleteFunc(slices.Clone(used), func(id string) bool { return slices.Contains(atHand, id) })
	if len(missing) > 0 {
		return fmt.Errorf("%w: the database was started with key %s before; give the key file that it was started with",
			ErrMissingKey, strings.Join(missing, ", "))
	}
	if slices.Contains(used, atHand[0]) {
		return nil // so a busy farm is not waited for
	}
	return admit(ctx, db, dialect, atHand[0])
}

// ErrRemovedKey says that a key is the first of the ring that was removed from the farm.
var ErrRemovedKey = errors.New("encryption key was removed")

// admit records that users may be sealed with a key. It returns [ErrRemovedKey] for a key that was removed: a process that
// seals with it has an old copy of the key file, and there may be no other copy of the key.
func admit(ctx context.Context, db *bun.DB, dialect Dialect, key string) error {
	ctx, cancel := context.WithTimeout(ctx, operationTimeout)
	defer cancel()
	return whileBusy(ctx, dialect, func() error {
		return db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
			// If another process removes the key now, this waits for it. Only a later statement sees what it did.
			if err := addKey(ctx, tx, dialect, key); err != nil {
				return err
			}
			removed, err := tx.NewSelect().Table("removed_sealing_keys").Where("key_id = ?", key).Exists(ctx)
			if err == nil && removed {
				err = refuse(fmt.Errorf("%w: the key file seals with key %s, which is not to be used anymore; give the key file as it is now",
					ErrRemovedKey, key))
			}
			return err
		})
	})
}

// whileBusy attempts again as long as another process has the database to itself.
func whileBusy(ctx context.Context, dialect Dialect, attempt func() error) error {
	for {
		err := attempt()
		if err == nil || isRefusal(err) || ctx.Err() != nil || dialect.Cause(err) != Busy {
			return err
		}
		time.Sleep(busyPause)
	}
}

// addKey adds the row of a key, unless it is there.
func addKey(ctx context.Context, tx bun.Tx, dialect Dialect, key string) error {
	_, err := tx.NewInsert().Model(&sealingKey{KeyID: key}).
		Value("first_used_at", "?", dialect.Clock()).
		On("CONFLICT DO NOTHING").Exec(ctx)
	return err
}

// SealingKey is a key that seals, or may have sealed, with the numbers of what is sealed with it now.
type SealingKey struct {
	ID          string
	FirstUsedAt time.Time
	Users       int
	Sessions    int
	ImportParts int // of imports that are not carried out yet
}

// SealingKeys returns the keys of the database in the order in which they were first used.
func (s *Store) SealingKeys(ctx context.Context) (keys []SealingKey, err error) {
	err = s.read(ctx, "sealing keys", func(ctx context.Context, db bun.IDB) error {
		var rows []struct {
			KeyID                        string
			FirstUsedAt                  int64
			Users, Sessions, ImportParts int
		}
		query := db.NewSelect().TableExpr("sealing_keys AS k").Column("k.key_id", "k.first_used_at").Order("k.first_used_at", "k.key_id")
		for _, sealed := range []struct{ table, count string }{
			{"users", "users"}, {"sessions", "sessions"}, {"import_chunks", "import_parts"},
		} {
			counts := db.NewSelect().Table(sealed.table).Column("sealing_key").ColumnExpr("count(*) AS n").Group("sealing_key")
			query = query.ColumnExpr("coalesce(?.n, 0) AS ?", bun.Ident(sealed.count), bun.Ident(sealed.count)).
				Join("LEFT JOIN (?) AS ? ON ?.sealing_key = k.key_id", counts, bun.Ident(sealed.count), bun.Ident(sealed.count))
		}
		err := query.Scan(ctx, &rows)
		keys = make([]SealingKey, len(rows))
		for i, r := range rows {
			keys[i] = SealingKey{
				ID: r.KeyID, FirstUsedAt: instant(r.FirstUsedAt), Users: r.Users, Sessions: r.Sessions, ImportParts: r.ImportParts,
			}
		}
		return err
	})
	return keys, err
}

// ErrKeyInUse says that something is sealed with a key.
var ErrKeyInUse = errors.New("users, sessions or imports are sealed with this key")

// RemoveSealingKey ends the use of a key: nothing is sealed with it again, and farms start without it. It returns
// [ErrKeyInUse] while something is sealed with it, and waits for transactions that are about to seal something.
func (s *Store) RemoveSealingKey(ctx context.Context, id string) error {
	return s.bounded(ctx, "remove sealing key", func(ctx context.Context) error {
		return s.retry(ctx, func() (bool, error) {
			err := s.writer.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
				// A key without a row gets one first, so that a process that admits it now waits for this transaction.
				if err := addKey(ctx, tx, s.dialect, id); err != nil {
					return err
				}
				if _, err := tx.NewDelete().Model((*sealingKey)(nil)).Where("key_id = ?", id).Exec(ctx); err != nil {
					return err
				}
				_, err := tx.NewInsert().Model(&removedKey{KeyID: id}).
					Value("removed_at", "?", s.dialect.Clock()).
					On("CONFLICT DO NOTHING").Exec(ctx)
				return err
			})
			if err != nil && s.dialect.Cause(err) == UnknownKey {
				return false, refuse(ErrKeyInUse)
			}
			return false, err
		})
	})
}
