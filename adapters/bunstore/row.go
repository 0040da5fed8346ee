package bunstore

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/userfarm/userfarm/domain"
)

// row is a row of the table users. Its times are in microseconds since 1970, and 0 is no time: NULL, where the column takes
// one. The types are for PostgreSQL, which can't guess them in a VALUES list; the other dialect does not look at them.
type row struct {
	bun.BaseModel `bun:"table:users,alias:u"`

	UserID    string      `bun:"user_id,pk,type:uuid"`
	CreatedAt int64       `bun:"created_at"`
	ProjectID string      `bun:"project_id,type:uuid"`
	Env       string      `bun:"env"`
	Domain    string      `bun:"domain"`
	Login     string      `bun:"login"`
	Password  []byte      `bun:"password"` // sealed
	Labels    labelColumn `bun:"labels,type:jsonb"`
	circulation

	SeenAt int64 `bun:"seen_at,scanonly"` // when the row was found, by the store's clock
}

// circulation is what locking, releasing and quarantine change of a row.
type circulation struct {
	Fence            uint64      `bun:"fence,type:bigint"`
	FreeAt           int64       `bun:"free_at"`
	ReleasedAt       int64       `bun:"released_at,nullzero"`
	LockLease        leaseColumn `bun:"lock_lease,nullzero,type:bytea"`
	LockPosition     int         `bun:"lock_position"`
	LockOwner        string      `bun:"lock_owner,nullzero"`
	LockNote         string      `bun:"lock_note,nullzero"`
	LockAcquiredAt   int64       `bun:"lock_acquired_at,nullzero"`
	LockExpiresAt    int64       `bun:"lock_expires_at,nullzero"`
	QuarantineReason string      `bun:"quarantine_reason,nullzero"`
	QuarantinedAt    int64       `bun:"quarantined_at,nullzero"`
}

// circulationRow writes the circulation of a user and leaves the rest of its row alone.
type circulationRow struct {
	bun.BaseModel `bun:"table:users,alias:u"`

	UserID string `bun:"user_id,pk,type:uuid"`
	circulation
}

// seal returns the row of a user.
func (s *Store) seal(u *domain.User) (row, error) {
	state := u.Snapshot()
	sealed, err := s.sealer.Seal(state.ID, state.Password)
	if err != nil {
		return row{}, refuse(err)
	}
	return row{
		UserID:      state.ID.String(),
		CreatedAt:   micros(state.CreatedAt),
		ProjectID:   state.Pool.ProjectID.String(),
		Env:         state.Pool.Env,
		Domain:      state.Pool.Domain,
		Login:       state.Login,
		Password:    sealed,
		Labels:      labelColumn(state.Labels),
		circulation: circulationOf(u),
	}, nil
}

// circulationOf returns what the row of u has of its circulation.
func circulationOf(u *domain.User) circulation {
	state := u.Snapshot()
	c := circulation{Fence: state.Fence, FreeAt: freeAt(u), ReleasedAt: micros(state.ReleasedAt)}
	if lock := state.Lock; lock != nil {
		c.LockLease = leaseColumn(lock.Lease)
		c.LockPosition = lock.Position
		c.LockOwner = lock.Owner
		c.LockNote = lock.Note
		c.LockAcquiredAt = micros(lock.AcquiredAt)
		c.LockExpiresAt = micros(lock.ExpiresAt)
	}
	if quarantine := state.Quarantine; quarantine != nil {
		c.QuarantineReason = quarantine.Reason
		c.QuarantinedAt = micros(quarantine.Since)
	}
	return c
}

// freeAt makes of the domain's order of rest numbers of the same order, so that whoever is free at a time is one range of
// an index: 0 for who was never held, the highest for who is held without an end.
func freeAt(u *domain.User) int64 {
	from, ends := u.FreeFrom()
	if !ends {
		return math.MaxInt64
	}
	return micros(from)
}

// open returns the user of a row.
func (s *Store) open(r row) (*domain.User, error) {
	id, err := uuid.Parse(r.UserID)
	if err != nil {
		return nil, refuse(fmt.Errorf("user_id: %w", err))
	}
	project, err := uuid.Parse(r.ProjectID)
	if err != nil {
		return nil, refuse(fmt.Errorf("project_id of user %s: %w", id, err))
	}
	password, err := s.sealer.Open(domain.UserID(id), r.Password)
	if err != nil {
		return nil, refuse(fmt.Errorf("password of user %s: %w", id, err))
	}
	return domain.Restore(domain.Snapshot{
		ID:         domain.UserID(id),
		CreatedAt:  instant(r.CreatedAt),
		Login:      r.Login,
		Password:   password,
		Pool:       domain.Pool{ProjectID: domain.ProjectID(project), Env: r.Env, Domain: r.Domain},
		Labels:     domain.Labels(r.Labels),
		Fence:      r.Fence,
		ReleasedAt: instant(r.ReleasedAt),
		Lock:       r.lock(),
		Quarantine: r.quarantine(),
	}), nil
}

func (c circulation) lock() *domain.Lock {
	if c.LockAcquiredAt == 0 {
		return nil
	}
	return &domain.Lock{
		Lease:      domain.LeaseDigest(c.LockLease),
		Position:   c.LockPosition,
		Owner:      c.LockOwner,
		Note:       c.LockNote,
		AcquiredAt: instant(c.LockAcquiredAt),
		ExpiresAt:  instant(c.LockExpiresAt),
	}
}

func (c circulation) quarantine() *domain.Quarantine {
	if c.QuarantinedAt == 0 {
		return nil
	}
	return &domain.Quarantine{Reason: c.QuarantineReason, Since: instant(c.QuarantinedAt)}
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

// labelColumn keeps labels as a JSON object.
type labelColumn domain.Labels

// Value returns the object as a text. Bun's own way to write JSON would spoil a label that spells \u0000.
func (l labelColumn) Value() (driver.Value, error) {
	text, err := json.Marshal(domain.Labels(l).Clone())
	return string(text), err
}

// Scan reads jsonb, which comes as bytes, and a text.
func (l *labelColumn) Scan(src any) error {
	switch src := src.(type) {
	case []byte:
		return json.Unmarshal(src, (*domain.Labels)(l))
	case string:
		return json.Unmarshal([]byte(src), (*domain.Labels)(l))
	default:
		return refuse(fmt.Errorf("labels can't be read from a %T", src))
	}
}

// leaseColumn keeps the digest of a lease.
type leaseColumn domain.LeaseDigest

// IsZero makes no lease NULL.
func (l leaseColumn) IsZero() bool { return domain.LeaseDigest(l).IsZero() }

// Scan reads a blob. NULL is no lease.
func (l *leaseColumn) Scan(src any) error {
	switch src := src.(type) {
	case nil:
		*l = leaseColumn{}
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
