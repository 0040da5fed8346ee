package bunstore

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/google/uuid"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// Row is a row of the table users in plain types. Its times are in microseconds since 1970.
type Row struct {
	UserID    [16]byte
	CreatedAt int64
	ProjectID [16]byte
	Env       string
	Domain    string
	Login     string
	Duplicate int64 // above 0 for a user that is the same account as an older user
	Secrets
	Labels []byte // a JSON object
	Circulation
	SessionSavedAt   int64
	SessionExpiresAt int64

	LoginKey []byte // of a row to be written; see [KeyLogins]
}

// Secrets are those of a user, sealed together.
type Secrets struct {
	Password   []byte // and, after a NUL, the TOTP secret if there is one
	SealingKey string
}

// Circulation is what changes of a row while users are handed out. Where a column takes NULL, a zero is written as
// that.
type Circulation struct {
	Fence            int64
	FreeAt           int64 // the time from which a claim may take the user; [math.MaxInt64] if there is none in sight
	ReleasedAt       int64
	LockLease        LeaseColumn
	LockPosition     int64
	LockSize         int64 // users of the lease when it was granted
	LockOwner        string
	LockNote         string
	LockAcquiredAt   int64
	LockExpiresAt    int64
	LockRenewals     int64
	LockQuarantines  bool // when it expires
	QuarantineReason string
	QuarantinedAt    int64
	LastCodeAt       int64
}

// Columns are those of a [Row], for the SELECT list of a query whose users are called u, in the order in which [Scan] and
// the engines read them.
const Columns = `u.user_id, u.created_at, u.project_id, u.env, u.domain, u.login, u.duplicate, u.password, u.sealing_key, u.labels, ` +
	`u.fence, u.free_at, coalesce(u.released_at, 0), u.lock_lease, u.lock_position, u.lock_size, ` +
	`coalesce(u.lock_owner, ''), coalesce(u.lock_note, ''), ` +
	`coalesce(u.lock_acquired_at, 0), coalesce(u.lock_expires_at, 0), u.lock_renewals, u.lock_quarantines, ` +
	`coalesce(u.quarantine_reason, ''), coalesce(u.quarantined_at, 0), u.last_code_at, u.session_saved_at, u.session_expires_at`

// Fields returns where to scan the columns to, the two ids being spelled as the database does.
func (r *Row) Fields(userID, projectID any) []any {
	return []any{
		userID, &r.CreatedAt, projectID, &r.Env, &r.Domain, &r.Login, &r.Duplicate, &r.Password, &r.SealingKey, &r.Labels,
		&r.Fence, &r.FreeAt, &r.ReleasedAt, &r.LockLease, &r.LockPosition, &r.LockSize,
		&r.LockOwner, &r.LockNote, &r.LockAcquiredAt, &r.LockExpiresAt, &r.LockRenewals, &r.LockQuarantines,
		&r.QuarantineReason, &r.QuarantinedAt, &r.LastCodeAt, &r.SessionSavedAt, &r.SessionExpiresAt,
	}
}

// Scan reads all rows of a query whose columns are [Columns] and the further columns that are scanned to more.
func Scan(rows *sql.Rows, more ...any) ([]Row, error) {
	defer func() { _ = rows.Close() }()
	var all []Row
	var r Row
	var userID, projectID uuid.UUID
	fields := append(r.Fields(&userID, &projectID), more...)
	for rows.Next() {
		if err := rows.Scan(fields...); err != nil {
			return nil, err
		}
		r.UserID, r.ProjectID = userID, projectID
		all = append(all, r)
	}
	return all, rows.Err()
}

// seal returns the row of a user.
func (s *Store) seal(u *domain.User) (Row, error) {
	state := u.Snapshot()
	secrets, err := s.sealSecrets(state.ID, state.Password, state.TOTP)
	if err != nil {
		return Row{}, err
	}
	labels, err := json.Marshal(state.Labels)
	if err != nil {
		return Row{}, refuse(err)
	}
	return Row{
		UserID:      state.ID,
		CreatedAt:   micros(state.CreatedAt),
		ProjectID:   state.Pool.ProjectID,
		Env:         state.Pool.Env,
		Domain:      state.Pool.Domain,
		Login:       state.Login,
		Secrets:     secrets,
		Labels:      labels,
		Circulation: circulationOf(u),
		LoginKey:    loginKey(s.logins, state.Login),
	}, nil
}

// circulationOf returns what the row of u has of its circulation.
func circulationOf(u *domain.User) Circulation {
	state := u.Snapshot()
	c := Circulation{
		Fence:      int64(state.Fence), //nolint:gosec // counts locks
		FreeAt:     freeAt(u),
		ReleasedAt: micros(state.ReleasedAt),

		LastCodeAt: micros(state.LastCodeAt),
	}
	if lock := state.Lock; lock != nil {
		c.LockLease = LeaseColumn(lock.Lease)
		c.LockPosition = int64(lock.Position)
		c.LockSize = int64(lock.Size)
		c.LockOwner = lock.Owner
		c.LockNote = lock.Note
		c.LockAcquiredAt = micros(lock.AcquiredAt)
		c.LockExpiresAt = micros(lock.ExpiresAt)
		c.LockRenewals = int64(lock.Renewals)
		c.LockQuarantines = lock.QuarantineOnExpiry
	}
	if quarantine := state.Quarantine; quarantine != nil {
		c.QuarantineReason = quarantine.Reason
		c.QuarantinedAt = micros(quarantine.Since)
	}
	return c
}

// freeAt turns the domain's order of rest into numbers of the same order, so that the users that are free at a time are one
// range of an index: 0 for a user that was never held, the highest number for one that is held without an end.
func freeAt(u *domain.User) int64 {
	from, ends := u.FreeFrom()
	if !ends {
		return math.MaxInt64
	}
	return micros(from)
}

// restore returns the user of a row, with its secrets.
func (s *Store) restore(r Row) (*domain.User, error) {
	password, totp, err := s.openSecrets(r.UserID, r.Secrets)
	if err != nil {
		return nil, r.unreadable(err)
	}
	return r.restore(password, totp)
}

// show returns the user of a row for callers that see no secrets. If the secrets can't be read, the user has none.
func (s *Store) show(r Row) (*domain.User, error) {
	u, err := s.restore(r)
	if err != nil {
		return r.restoreBare()
	}
	return u, nil
}

// restoreBare returns the user of a row without its secrets.
func (r Row) restoreBare() (*domain.User, error) { return r.restore(domain.Secret{}, domain.TOTP{}) }

// unreadable refuses with the reason why a row can't be read.
func (r Row) unreadable(err error) error {
	return refuse(&ports.UnreadableError{ProjectID: r.ProjectID, Err: err})
}

// restore returns the user of a row.
func (r Row) restore(password domain.Secret, totp domain.TOTP) (*domain.User, error) {
	labels := domain.Labels{}
	if string(r.Labels) != "{}" {
		if err := json.Unmarshal(r.Labels, &labels); err != nil {
			return nil, r.unreadable(fmt.Errorf("labels of user %s: %w", domain.UserID(r.UserID), err))
		}
	}
	state := domain.Snapshot{
		ID:         r.UserID,
		CreatedAt:  instant(r.CreatedAt),
		Login:      r.Login,
		Duplicate:  r.Duplicate > 0,
		Password:   password,
		TOTP:       totp,
		Pool:       domain.Pool{ProjectID: r.ProjectID, Env: r.Env, Domain: r.Domain},
		Labels:     labels,
		Fence:      uint64(r.Fence), //nolint:gosec // counts locks
		ReleasedAt: instant(r.ReleasedAt),

		LastCodeAt: instant(r.LastCodeAt),
	}
	if r.LockAcquiredAt != 0 {
		state.Lock = &domain.Lock{
			Lease:      domain.LeaseDigest(r.LockLease),
			Position:   int(r.LockPosition),
			Size:       int(r.LockSize),
			Owner:      r.LockOwner,
			Note:       r.LockNote,
			AcquiredAt: instant(r.LockAcquiredAt),
			ExpiresAt:  instant(r.LockExpiresAt),
			Renewals:   int(r.LockRenewals),

			QuarantineOnExpiry: r.LockQuarantines,
		}
	}
	if r.SessionSavedAt != 0 {
		state.Session = &domain.Session{SavedAt: instant(r.SessionSavedAt), ExpiresAt: instant(r.SessionExpiresAt)}
	}
	if r.QuarantinedAt != 0 {
		state.Quarantine = &domain.Quarantine{Reason: r.QuarantineReason, Since: instant(r.QuarantinedAt)}
	}
	return domain.Restore(state), nil
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func instant(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}

// LeaseColumn keeps the digest of a lease. NULL is no lease.
type LeaseColumn domain.LeaseDigest

// Bytes returns what to write: nil for no lease.
func (l LeaseColumn) Bytes() []byte {
	if domain.LeaseDigest(l).IsZero() {
		return nil
	}
	return l[:]
}

// Scan implements [sql.Scanner].
func (l *LeaseColumn) Scan(src any) error {
	switch src := src.(type) {
	case nil:
		*l = LeaseColumn{}
		return nil
	case []byte:
		if len(src) != len(l) {
			return refuse(fmt.Errorf("a lease's digest of %d bytes, want %d", len(src), len(l)))
		}
		copy(l[:], src)
		return nil
	default:
		return refuse(fmt.Errorf("a lease's digest can't be read from a %T", src))
	}
}
