package bunstore

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// SavedSession is what became of the session of a user: a row of the table sessions, or none if SavedAt is 0. The row of the user
// says when its session was saved. So an acquire reads that with the user, and never the session itself.
type SavedSession struct {
	UserID     [16]byte
	Session    []byte // sealed with SealingKey for this user
	SealingKey string
	SavedAt    int64
	ExpiresAt  int64 // 0 if it does not expire
}

// sessionMark begins what is sealed of a session, so that it can't be taken for the password of the user, nor the other way round.
const sessionMark = "\x00session\x00"

// sealSession returns the row of a user's session.
func (s *Store) sealSession(u *domain.User) (SavedSession, error) {
	state := u.Snapshot()
	if state.Session == nil {
		return SavedSession{UserID: state.ID}, nil
	}
	sealed, key, err := s.sealer.Seal(state.ID, domain.NewSecret(sessionMark+state.Session.Text.Reveal()))
	return SavedSession{
		UserID: state.ID, Session: sealed, SealingKey: key,
		SavedAt: micros(state.Session.SavedAt), ExpiresAt: micros(state.Session.ExpiresAt),
	}, refuse(err)
}

// openSession opens what sealSession sealed.
func (s *Store) openSession(id domain.UserID, sealed []byte) (domain.Secret, error) {
	text, err := s.sealer.Open(id, sealed)
	if err != nil {
		return domain.Secret{}, err
	}
	session, marked := strings.CutPrefix(text.Reveal(), sessionMark)
	if !marked {
		return domain.Secret{}, ports.ErrUnsealable
	}
	return domain.NewSecret(session), nil
}

// SessionText implements [ports.SessionStore]. A session that can't be opened is as good as none: its user can log in anew.
func (s *Store) SessionText(ctx context.Context, id domain.UserID, savedAt time.Time) (text domain.Secret, err error) {
	err = s.read(ctx, "read session", func(ctx context.Context, db bun.IDB) error {
		var sealed []byte
		err := db.NewSelect().Table("sessions").Column("session").
			Where("user_id = ?", id.String()).Where("saved_at = ?", micros(savedAt)).Scan(ctx, &sealed)
		if err == nil {
			text, err = s.openSession(id, sealed)
		}
		if errors.Is(err, sql.ErrNoRows) || errors.Is(err, ports.ErrUnsealable) || errors.Is(err, ports.ErrUnknownKey) {
			err = refuse(domain.ErrSessionNotFound)
		}
		return err
	})
	return text, err
}

// oldSessions are those that have expired.
var oldSessions = Aging{Table: "sessions", Key: "user_id", At: "expires_at"}

// resealSessionsAtOnce bounds how much one transaction of ResealSessions reads and writes.
const resealSessionsAtOnce = 20

// ResealSessions seals some sessions again, with the key that seals now, and returns how many. It drops those that can't be opened:
// their users can log in anew. It returns 0 when no session is left that another key sealed.
func (s *Store) ResealSessions(ctx context.Context) (done int, err error) {
	err = s.bounded(ctx, "reseal sessions", func(ctx context.Context) error {
		return s.retry(ctx, func() (committing bool, err error) {
			err = s.writer.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
				done, err = s.resealSomeSessions(ctx, tx)
				return err
			})
			return false, err
		})
	})
	if err != nil {
		return 0, err
	}
	return done, nil
}

func (s *Store) resealSomeSessions(ctx context.Context, tx bun.Tx) (done int, err error) {
	var rows []struct {
		UserID  string
		Session []byte
	}
	err = tx.NewSelect().Table("sessions").ColumnExpr("CAST(user_id AS text) AS user_id, session").
		Where("sealing_key <> ?", s.sealer.KeyIDs()[0]).Limit(resealSessionsAtOnce).Scan(ctx, &rows)
	if err != nil {
		return 0, err
	}
	for _, r := range rows {
		if err := s.resealSession(ctx, tx, r.UserID, r.Session); err != nil {
			return 0, err
		}
	}
	return len(rows), nil
}

// resealSession leaves a session alone that was saved anew meanwhile.
func (s *Store) resealSession(ctx context.Context, tx bun.Tx, user string, sealed []byte) error {
	id, err := domain.ParseUserID(user)
	if err != nil {
		return err
	}
	text, err := s.sealer.Open(id, sealed)
	if err != nil {
		_, err = tx.NewDelete().Table("sessions").Where("user_id = ?", user).Where("session = ?", sealed).Exec(ctx)
		return err
	}
	anew, key, err := s.sealer.Seal(id, text)
	if err != nil {
		return refuse(err)
	}
	_, err = tx.NewUpdate().Table("sessions").Set("session = ?", anew).Set("sealing_key = ?", key).
		Where("user_id = ?", user).Where("session = ?", sealed).Exec(ctx)
	return err
}
