package bunstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"github.com/userfarm/userfarm/ports"
)

// ErrMissingKey says that the database was started with a key that is not at hand, so that there may be passwords in it
// that can't be read.
var ErrMissingKey = errors.New("encryption key is missing")

// sealingKey is a row of the table sealing_keys: a key that sealed, or may have.
type sealingKey struct {
	bun.BaseModel `bun:"table:sealing_keys,alias:k"`

	KeyID       string `bun:"key_id,pk"`
	FirstUsedAt int64  `bun:"first_used_at"`
}

// CheckKeys returns [ErrMissingKey] unless sealer has every key that a store of this database was ever opened with, and
// adds the one that it seals with to them. The caller must keep others from doing the same meanwhile.
func CheckKeys(ctx context.Context, db *bun.DB, dialect Dialect, sealer ports.Sealer) error {
	var used []string
	if err := db.NewSelect().Model((*sealingKey)(nil)).Column("key_id").Order("key_id").Scan(ctx, &used); err != nil {
		return err
	}
	atHand := sealer.KeyIDs()
	missing := slices.DeleteFunc(used, func(id string) bool { return slices.Contains(atHand, id) })
	if len(missing) > 0 {
		return fmt.Errorf("%w: the database was started with key %s before; give the key file that it was started with",
			ErrMissingKey, strings.Join(missing, ", "))
	}
	_, err := db.NewInsert().Model(&sealingKey{KeyID: atHand[0]}).
		Value("first_used_at", "?", dialect.Clock()).
		On("CONFLICT DO NOTHING").Exec(ctx)
	return err
}
