package bunstore

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// keyRow is a row of the table api_keys. Its times are in microseconds since 1970, and 0 for never.
type keyRow struct {
	bun.BaseModel `bun:"table:api_keys,alias:k"`

	KeyID      string `bun:"key_id,pk"`
	Name       string
	Role       string
	Projects   *string // a JSON array of ids; nil for all projects
	Digest     []byte
	CreatedAt  int64
	CreatedBy  uuid.NullUUID
	ExpiresAt  int64
	RevokedAt  int64
	RevokedBy  uuid.NullUUID
	LastUsedAt int64
}

// AddKey implements [ports.KeyStore].
func (s *Store) AddKey(ctx context.Context, build ports.BuildKey) (key domain.APIKey, err error) {
	err = s.changeAside(ctx, "add API key", func(ctx context.Context, tx bun.Tx, now time.Time) ([]domain.Event, error) {
		var events []domain.Event
		if key, events, err = build(now); err != nil {
			return nil, refuse(err)
		}
		wrote, err := wroteRow(tx.NewInsert().Model(rowOfKey(key)).On("CONFLICT DO NOTHING").Exec(ctx))
		if err == nil && !wrote {
			err = refuse(domain.ErrKeyExists)
		}
		return events, err
	})
	if err != nil {
		return domain.APIKey{}, err
	}
	return key, nil
}

// FindKey implements [ports.KeyStore].
func (s *Store) FindKey(ctx context.Context, id domain.APIKeyID) (key domain.APIKey, now time.Time, err error) {
	err = s.read(ctx, "find API key", func(ctx context.Context, db bun.IDB) error {
		if now, err = s.clock(ctx, db); err != nil {
			return err
		}
		key, err = findKey(ctx, db.NewSelect(), id)
		return err
	})
	return key, now, err
}

// ListKeys implements [ports.KeyStore].
func (s *Store) ListKeys(
	ctx context.Context, q ports.KeyQuery,
) (keys []domain.APIKey, now time.Time, more bool, err error) {
	err = s.read(ctx, "list API keys", func(ctx context.Context, db bun.IDB) error {
		if now, err = s.clock(ctx, db); err != nil {
			return err
		}
		keys, err = readKeys(ctx, db.NewSelect().Where("k.key_id > ?", q.After.String()).Order("k.key_id").Limit(int64(q.Limit)+1))
		return err
	})
	more = len(keys) > q.Limit
	return keys[:min(len(keys), q.Limit)], now, more, err
}

// ActiveKeys implements [ports.KeyStore].
func (s *Store) ActiveKeys(ctx context.Context) (found ports.ActiveKeys, err error) {
	err = s.read(ctx, "active API keys", func(ctx context.Context, db bun.IDB) error {
		if found.Now, err = s.clock(ctx, db); err != nil {
			return err
		}
		if found.Keys, err = readKeys(ctx, db.NewSelect().Where(s.dialect.Rules.KeyActive, micros(found.Now))); err != nil {
			return err
		}
		found.Any = len(found.Keys) > 0
		if !found.Any {
			found.Any, err = db.NewSelect().Table("api_keys").Exists(ctx)
		}
		return err
	})
	return found, err
}

// ChangeKey implements [ports.KeyStore].
func (s *Store) ChangeKey(
	ctx context.Context, id domain.APIKeyID, decide ports.DecideKey,
) (key domain.APIKey, at time.Time, err error) {
	err = s.changeAside(ctx, "change API key", func(ctx context.Context, tx bun.Tx, now time.Time) ([]domain.Event, error) {
		search := tx.NewSelect()
		if s.dialect.Lock != "" {
			search = search.For(s.dialect.Lock)
		}
		if key, err = findKey(ctx, search, id); err != nil {
			return nil, err
		}
		events, err := decide(now, &key)
		if err != nil {
			return nil, refuse(err)
		}
		at = now
		_, err = tx.NewUpdate().Model(rowOfKey(key)).WherePK().Exec(ctx)
		return events, err
	})
	return key, at, err
}

// NoteUses implements [ports.KeyStore].
func (s *Store) NoteUses(ctx context.Context, uses map[domain.APIKeyID]time.Time) error {
	ids := slices.SortedFunc(maps.Keys(uses), func(a, b domain.APIKeyID) int { return bytes.Compare(a[:], b[:]) })
	return s.bounded(ctx, "note uses of API keys", func(ctx context.Context) error {
		for some := range slices.Chunk(ids, usesAtOnce) {
			// Replicas that note the same keys may meet in a deadlock, which ends one of the statements; it is tried again.
			err := s.retry(ctx, func() (bool, error) { return false, s.noteUses(ctx, some, uses) })
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// usesAtOnce is how many keys one statement updates. The database looks for each key in the list of them.
const usesAtOnce = 500

func (s *Store) noteUses(ctx context.Context, ids []domain.APIKeyID, uses map[domain.APIKeyID]time.Time) error {
	texts := make([]string, len(ids))
	args := make([]any, 0, 2*len(ids))
	for i, id := range ids {
		texts[i] = id.String()
		args = append(args, texts[i], micros(uses[id]))
	}
	at := "CASE key_id" + strings.Repeat(" WHEN ? THEN ?", len(ids)) + " END"
	_, err := s.writer.NewUpdate().Table("api_keys").Set("last_used_at = "+at, args...).
		Where("key_id IN (?)", bun.List(texts)).Where("last_used_at < "+at, args...).Exec(ctx)
	return err
}

func findKey(ctx context.Context, search *bun.SelectQuery, id domain.APIKeyID) (domain.APIKey, error) {
	var row keyRow
	err := search.Model(&row).Where("k.key_id = ?", id.String()).Scan(ctx)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return domain.APIKey{}, refuse(domain.ErrKeyNotFound)
	case err != nil:
		return domain.APIKey{}, err
	}
	return row.key()
}

func readKeys(ctx context.Context, search *bun.SelectQuery) ([]domain.APIKey, error) {
	var rows []keyRow
	if err := search.Model(&rows).Scan(ctx); err != nil {
		return nil, err
	}
	keys := make([]domain.APIKey, len(rows))
	for i, row := range rows {
		var err error
		if keys[i], err = row.key(); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

func rowOfKey(key domain.APIKey) *keyRow {
	row := &keyRow{
		KeyID:      key.ID.String(),
		Name:       key.Name,
		Role:       string(key.Role),
		Digest:     key.Digest[:],
		CreatedAt:  micros(key.CreatedAt),
		CreatedBy:  columnOf(key.CreatedBy),
		ExpiresAt:  micros(key.ExpiresAt),
		RevokedAt:  micros(key.RevokedAt),
		RevokedBy:  columnOf(key.RevokedBy),
		LastUsedAt: micros(key.LastUsedAt),
	}
	if key.Scope.Limited {
		encoded, _ := json.Marshal(key.Scope.Names()) // texts always encode
		projects := string(encoded)
		row.Projects = &projects
	}
	return row
}

// key returns the API key of a row. A row that can't be understood is an error, and never a key for all projects.
func (r keyRow) key() (domain.APIKey, error) {
	id, err := uuid.Parse(r.KeyID)
	if err != nil {
		return domain.APIKey{}, refuse(fmt.Errorf("API key: key_id: %w", err))
	}
	key := domain.APIKey{
		ID:         domain.APIKeyID(id),
		Name:       r.Name,
		Role:       domain.Role(r.Role),
		CreatedAt:  instant(r.CreatedAt),
		CreatedBy:  domain.APIKeyID(r.CreatedBy.UUID),
		ExpiresAt:  instant(r.ExpiresAt),
		RevokedAt:  instant(r.RevokedAt),
		RevokedBy:  domain.APIKeyID(r.RevokedBy.UUID),
		LastUsedAt: instant(r.LastUsedAt),
	}
	copy(key.Digest[:], r.Digest)
	key.Scope, err = scopeOf(r.Projects)
	return key, err
}

// columnOf returns the id of a key, or NULL for none.
func columnOf(id domain.APIKeyID) uuid.NullUUID {
	return uuid.NullUUID{UUID: uuid.UUID(id), Valid: !id.IsZero()}
}

// scopeOf returns the scope of the column projects.
func scopeOf(column *string) (domain.Scope, error) {
	if column == nil {
		return domain.Scope{}, nil
	}
	var ids []uuid.UUID
	if err := json.Unmarshal([]byte(*column), &ids); err != nil {
		return domain.Scope{}, refuse(fmt.Errorf("projects of an API key: %w", err))
	}
	projects := make([]domain.ProjectID, len(ids))
	for i, id := range ids {
		projects[i] = domain.ProjectID(id)
	}
	return domain.Only(projects...), nil
}
