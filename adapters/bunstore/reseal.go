package bunstore

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/userfarm/userfarm/domain"
)

// resealAtOnce bounds for how long one transaction of Reseal keeps users from others.
const resealAtOnce = 100

// Reseal seals users anew with the key that seals now, the first hundred after a user in the order of their ids that are
// sealed with another. It returns the last of them, to go on after, and how many they were: fewer than a hundred were the
// last. Farms may serve meanwhile. Who was changed since it was read is left alone: that sealed it anew.
func (s *Store) Reseal(ctx context.Context, after domain.UserID) (last domain.UserID, resealed int, err error) {
	err = s.bounded(ctx, "reseal", func(ctx context.Context) error {
		return s.retry(ctx, func() (committing bool, err error) {
			err = s.writer.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
				last, resealed, err = s.resealSome(ctx, tx, after)
				return err
			})
			return false, err
		})
	})
	return last, resealed, err
}

func (s *Store) resealSome(ctx context.Context, tx bun.Tx, after domain.UserID) (last domain.UserID, n int, err error) {
	found, err := users(tx).Where("u.user_id > ?", after.String()).Where("u.sealing_key <> ?", s.sealer.KeyIDs()[0]).
		Order("u.user_id").Limit(resealAtOnce).Rows(ctx)
	if err != nil {
		return last, 0, err
	}
	rows, err := Scan(found)
	if err != nil {
		return last, 0, err
	}
	for _, r := range rows {
		last = r.UserID
		password, totp, err := s.openSecrets(last, r.Secrets)
		if err != nil {
			return last, 0, err
		}
		anew, err := s.sealSecrets(last, password, totp)
		if err != nil {
			return last, 0, err
		}
		_, err = tx.NewUpdate().Table("users").Set("password = ?", anew.Password).Set("sealing_key = ?", anew.SealingKey).
			Where("user_id = ?", last.String()).Where("password = ?", r.Password).Exec(ctx)
		if err != nil {
			return last, 0, err
		}
	}
	return last, len(rows), nil
}
