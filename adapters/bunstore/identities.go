package bunstore

import (
	"context"
	"crypto/sha256"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// identityKey is the same for identities of one account; zero for the zero identity.
type identityKey [16]byte

// identityRow is what a search for an identity compares.
type identityRow struct {
	At        int       `bun:"type:integer"` // of the identity in the search
	ProjectID uuid.UUID `bun:"type:uuid"`
	Env       string    `bun:"type:text"`
	LoginKey  []byte    `bun:"type:bytea"`
}

func (s *Store) identityRow(of domain.Identity) identityRow {
	return identityRow{ProjectID: uuid.UUID(of.ProjectID), Env: of.Env, LoginKey: loginKey(s.logins, of.Login)}
}

func (r identityRow) key() identityKey {
	digest := sha256.New()
	_, _ = digest.Write(r.ProjectID[:])
	_, _ = digest.Write(r.LoginKey) // has one size
	_, _ = digest.Write([]byte(r.Env))
	return identityKey(digest.Sum(nil)[:16])
}

func (s *Store) identityKeys(of []domain.Identity) []identityKey {
	keys := make([]identityKey, len(of))
	for i, identity := range of {
		if identity != (domain.Identity{}) {
			keys[i] = s.identityRow(identity).key()
		}
	}
	return keys
}

// UserIDs implements [ports.Merger].
func (s *Store) UserIDs(ctx context.Context, identities []domain.Identity) ([]domain.UserID, error) {
	ids := make([]domain.UserID, len(identities))
	wanted := make([]identityRow, 0, len(identities))
	for at, identity := range identities {
		if identity != (domain.Identity{}) && storable(identity.Env) {
			row := s.identityRow(identity)
			row.At = at
			wanted = append(wanted, row)
		}
	}
	if len(wanted) == 0 {
		return ids, nil
	}
	return ids, s.read(ctx, "look up", func(ctx context.Context, db bun.IDB) error {
		// A join might read all users, if the database takes that for cheaper.
		user := db.NewSelect().TableExpr("users AS u").Column("u.user_id").
			Where("(u.project_id, u.env, u.login_key, u.duplicate) = (i.project_id, i.env, i.login_key, 0)")
		found, err := db.NewSelect().With("i", db.NewValues(&wanted)).TableExpr("i").Column("i.at").ColumnExpr("(?)", user).Rows(ctx)
		if err != nil {
			return err
		}
		defer func() { _ = found.Close() }()
		for found.Next() {
			var at int
			var id uuid.NullUUID
			if err := found.Scan(&at, &id); err != nil {
				return err
			}
			ids[at] = domain.UserID(id.UUID)
		}
		return found.Err()
	})
}

// withIDs returns the rows of users by their ids.
func (s *Store) withIDs(ctx context.Context, ids []domain.UserID) (map[domain.UserID]Row, error) {
	found := make(map[domain.UserID]Row, len(ids))
	var named []string
	for _, id := range ids {
		if !id.IsZero() {
			named = append(named, id.String())
		}
	}
	if len(named) == 0 {
		return found, nil
	}
	return found, s.read(ctx, "look up", func(ctx context.Context, db bun.IDB) error {
		search, err := users(db).Where("u.user_id IN (?)", bun.List(named)).Rows(ctx)
		if err != nil {
			return err
		}
		rows, err := Scan(search)
		for _, row := range rows {
			found[row.UserID] = row
		}
		return err
	})
}

// LookUp implements [ports.Merger].
func (s *Store) LookUp(ctx context.Context, in ports.ImportPlace, identities []domain.Identity) ([]ports.Sighting, error) {
	keys := s.identityKeys(identities)
	rows, err := s.twinsElsewhere(ctx, in, keys)
	if err != nil {
		return nil, err
	}
	ids, err := s.UserIDs(ctx, identities)
	if err != nil {
		return nil, err
	}
	found, err := s.withIDs(ctx, ids)
	if err != nil {
		return nil, err
	}
	seen := make([]ports.Sighting, len(identities))
	for i, key := range keys {
		if key == (identityKey{}) {
			continue
		}
		if row, there := found[ids[i]]; there {
			if seen[i].User, err = s.show(row); err != nil {
				return nil, err
			}
		}
		seen[i].Twin = rows[key]
		if rows[key] == 0 {
			rows[key] = max(in.FirstRow, 1) + i
		}
	}
	return seen, nil
}
