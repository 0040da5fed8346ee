package bunstore

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/userfarm/userfarm/domain"
)

// resealAtOnce bounds for how long one transaction of Reseal locks users.
const resealAtOnce = 100

// Resealed is what became of some users.
type Resealed struct {
	Last  domain.UserID // to go on after; zero if no user was left
	Users int           // that were sealed again

	// Unopened can't be opened with any available key, and stay as they are.
	Unopened []domain.UserID
}

// Reseal seals users again, with the key that seals now: up to a hundred of those that are sealed with another key, in the
// order of their ids, beginning after a user. Farms may serve at the same time. A user that changed since it was read is
// left alone: the change sealed it again. Before the first user, it seals the imports again that are not carried out yet.
func (s *Store) Reseal(ctx context.Context, after domain.UserID) (done Resealed, err error) {
	if after.IsZero() {
		if err := s.resealChunks(ctx); err != nil {
			return Resealed{}, err
		}
	}
	err = s.bounded(ctx, "reseal", func(ctx context.Context) error {
		return s.retry(ctx, func() (committing bool, err error) {
			err = s.writer.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
				done, err = s.resealSome(ctx, tx, after)
				return err
			})
			return false, err
		})
	})
	if err != nil {
		return Resealed{}, err
	}
	return done, nil
}

func (s *Store) resealSome(ctx context.Context, tx bun.Tx, after domain.UserID) (done Resealed, err error) {
	found, err := users(tx).Where("u.user_id > ?", after.String()).Where("u.sealing_key <> ?", s.sealer.KeyIDs()[0]).
		Order("u.user_id").Limit(resealAtOnce).Rows(ctx)
	if err != nil {
		return done, err
	}
	rows, err := Scan(found)
	if err != nil {
		return done, err
	}
	for _, r := range rows {
		done.Last = r.UserID
		password, totp, err := s.openSecrets(r.UserID, r.Secrets)
		if err != nil {
			done.Unopened = append(done.Unopened, r.UserID)
			continue
		}
		if err := s.resealOne(ctx, tx, r, password, totp); err != nil {
			return done, err
		}
		done.Users++
	}
	return done, nil
}

func (s *Store) resealOne(ctx context.Context, tx bun.Tx, r Row, password domain.Secret, totp domain.TOTP) error {
	id := domain.UserID(r.UserID)
	anew, err := s.sealSecrets(id, password, totp)
	if err != nil {
		return err
	}
	_, err = tx.NewUpdate().Table("users").Set("password = ?", anew.Password).Set("sealing_key = ?", anew.SealingKey).
		Where("user_id = ?", id.String()).Where("password = ?", r.Password).Exec(ctx)
	return err
}
