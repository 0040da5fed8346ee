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

// withIdentities returns the rows of the users that have identities, by their keys.
func (s *Store) withIdentities(ctx context.Context, identities []domain.Identity) (map[identityKey]Row, error) {
	wanted := make([]identityRow, 0, len(identities))
	for _, identity := range identities {
		if identity != (domain.Identity{}) && storable(identity.Env) {
			wanted = append(wanted, s.identityRow(identity))
		}
	}
	found := make(map[identityKey]Row, len(wanted))
	if len(wanted) == 0 {
		return found, nil
	}
	return found, s.read(ctx, "look up", func(ctx context.Context, db bun.IDB) error {
		search, err := db.NewSelect().With("i", db.NewValues(&wanted)).TableExpr("i").
			Join("CROSS JOIN users AS u").ColumnExpr(Columns).
			Where("(u.project_id, u.env, u.login_key) = (i.project_id, i.env, i.login_key)").Where("u.duplicate = 0").Rows(ctx)
		if err != nil {
			return err
		}
		rows, err := Scan(search)
		for _, row := range rows {
			identity := domain.Identity{ProjectID: row.ProjectID, Env: row.Env, Login: row.Login}
			found[s.identityRow(identity).key()] = row
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
	found, err := s.withIdentities(ctx, identities)
	if err != nil {
		return nil, err
	}
	seen := make([]ports.Sighting, len(identities))
	for i, key := range keys {
		if key == (identityKey{}) {
			continue
		}
		if row, there := found[key]; there {
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
