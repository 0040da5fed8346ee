package bunstore

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

var oldImports = Aging{Table: "imports", Key: "import_id", At: "idle_since"}

// importRow is a row of the table imports.
type importRow struct {
	bun.BaseModel `bun:"table:imports"`

	ImportID  string `bun:"import_id,pk"`
	RowCount  int
	TouchedAt int64
	IdleSince int64
}

// importChunk is a row of the table import_chunks.
type importChunk struct {
	bun.BaseModel `bun:"table:import_chunks,alias:c"`

	ImportID   string `bun:"import_id,pk"`
	FirstRow   int    `bun:"first_row,pk"`
	Identities []byte
	Payload    []byte  `bun:",nullzero"`
	SealingKey *string // nil without a payload
	Ended      bool
	Added      int
	Changed    int
	Unchanged  int
	Refused    int
}

func (c importChunk) counts() domain.ImportCounts {
	return domain.ImportCounts{Added: c.Added, Changed: c.Changed, Unchanged: c.Unchanged, Refused: c.Refused}
}

func importID(key domain.ImportKey) string { return uuid.UUID(key).String() }

// sealedFor returns the id for which the payload of a chunk is sealed, so that it can't be opened as that of another one.
func sealedFor(place ports.ImportPlace) domain.UserID {
	digest := sha256.Sum256(binary.BigEndian.AppendUint64(slices.Clone(place.Import[:]), uint64(place.FirstRow))) //nolint:gosec // from 1
	return domain.UserID(digest[:16])
}

// twinsElsewhere returns the rows of an import that have keys, by these, but for those from in on that have the keys in this order.
func (s *Store) twinsElsewhere(ctx context.Context, in ports.ImportPlace, keys []identityKey) (map[identityKey]int, error) {
	rows := make(map[identityKey]int)
	if in == (ports.ImportPlace{}) {
		return rows, nil
	}
	own := make(map[identityKey]struct{}, len(keys))
	for _, key := range keys {
		if key != (identityKey{}) {
			own[key] = struct{}{}
		}
	}
	return rows, s.read(ctx, "look up", func(ctx context.Context, db bun.IDB) error {
		clear(rows)
		found, err := db.NewSelect().Table("import_chunks").Column("first_row", "identities").Where("import_id = ?", importID(in.Import)).
			Where("first_row < ? OR first_row >= ?", in.FirstRow, in.FirstRow+len(keys)).Rows(ctx)
		if err != nil {
			return err
		}
		defer func() { _ = found.Close() }()
		for found.Next() {
			var row int
			var identities sql.RawBytes
			if err := found.Scan(&row, &identities); err != nil {
				return err
			}
			for key := range slices.Chunk(identities, len(identityKey{})) {
				if _, twin := own[identityKey(key)]; twin {
					rows[identityKey(key)] = row
				}
				row++
			}
		}
		return found.Err()
	})
}

// existing is for changes of an import that must be there.
func existing(context.Context, bun.Tx) error { return nil }

// changeImport does work in a transaction that begins with begin. Nobody else changes the import meanwhile. rows is 0 until it was
// decided.
func (s *Store) changeImport(
	ctx context.Context, operation string, key domain.ImportKey, begin func(context.Context, bun.Tx) error,
	work func(ctx context.Context, tx bun.Tx, rows int) error,
) error {
	return s.bounded(ctx, operation, func(ctx context.Context) error {
		return s.retry(ctx, func() (bool, error) {
			return false, s.writer.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
				if err := begin(ctx, tx); err != nil {
					return err
				}
				search := tx.NewSelect().Table("imports").Column("row_count").Where("import_id = ?", importID(key))
				if s.dialect.Lock != "" {
					search = search.For(s.dialect.Lock)
				}
				var rows int
				err := search.Scan(ctx, &rows)
				if errors.Is(err, sql.ErrNoRows) {
					return refuse(domain.ErrImportNotFound)
				}
				if err != nil {
					return err
				}
				return work(ctx, tx, rows)
			})
		})
	})
}

// touch notes that something has happened with an import. One that is open is not idle.
func (s *Store) touch(ctx context.Context, tx bun.Tx, key domain.ImportKey, open bool) error {
	update := tx.NewUpdate().Table("imports").Set("touched_at = ?", s.dialect.Clock()).Where("import_id = ?", importID(key))
	if open {
		update = update.Set("idle_since = NULL")
	} else {
		update = update.Set("idle_since = ?", s.dialect.Clock())
	}
	_, err := update.Exec(ctx)
	return err
}

// StageImport implements [ports.ImportStore].
func (s *Store) StageImport(ctx context.Context, chunk ports.ImportChunk) error {
	var identities []byte
	for _, key := range s.identityKeys(chunk.Identities) {
		identities = append(identities, key[:]...)
	}
	begin := func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewInsert().Model(&importRow{ImportID: importID(chunk.Import)}).
			Value("touched_at", "?", s.dialect.Clock()).Value("idle_since", "?", s.dialect.Clock()).On("CONFLICT DO NOTHING").Exec(ctx)
		return err
	}
	return s.changeImport(ctx, "stage import", chunk.Import, begin, func(ctx context.Context, tx bun.Tx, rows int) error {
		before := importChunk{ImportID: importID(chunk.Import), FirstRow: chunk.FirstRow}
		err := tx.NewSelect().Model(&before).WherePK().Scan(ctx)
		known := err == nil
		switch {
		case err != nil && !errors.Is(err, sql.ErrNoRows):
			return err
		case known && !bytes.Equal(before.Identities, identities), !known && rows > 0:
			return refuse(domain.ErrIdempotencyMismatch)
		case rows > 0:
			return nil
		}
		row := importChunk{ImportID: importID(chunk.Import), FirstRow: chunk.FirstRow, Identities: identities}
		if err := s.sealChunk(&row, chunk); err != nil {
			return err
		}
		switch {
		case !known:
			_, err = tx.NewInsert().Model(&row).Exec(ctx)
		case before.Payload == nil:
			_, err = tx.NewUpdate().Model(&row).Column("payload", "sealing_key").WherePK().Exec(ctx)
		}
		if err != nil {
			return err
		}
		return s.touch(ctx, tx, chunk.Import, false)
	})
}

// sealChunk seals the payload of a chunk, if it has one.
func (s *Store) sealChunk(row *importChunk, chunk ports.ImportChunk) error {
	if chunk.Payload == (domain.Secret{}) {
		return nil
	}
	sealed, key, err := s.sealer.Seal(sealedFor(chunk.ImportPlace), chunk.Payload)
	row.Payload, row.SealingKey = sealed, &key
	return refuse(err)
}

// DecideImport implements [ports.ImportStore].
func (s *Store) DecideImport(ctx context.Context, key domain.ImportKey, rows int) error {
	return s.changeImport(ctx, "decide import", key, existing, func(ctx context.Context, tx bun.Tx, decided int) error {
		if decided == rows && rows > 0 {
			return nil
		}
		if decided > 0 {
			return refuse(domain.ErrImportIncomplete)
		}
		var parts []domain.StagedPart
		err := tx.NewSelect().Table("import_chunks").ColumnExpr("first_row, length(identities) / ? AS rows", len(identityKey{})).
			ColumnExpr("payload IS NULL AS refused").Where("import_id = ?", importID(key)).Scan(ctx, &parts)
		if err != nil {
			return err
		}
		if err := domain.CheckComplete(rows, parts); err != nil {
			return refuse(err)
		}
		_, err = tx.NewUpdate().Table("imports").Set("row_count = ?", rows).Where("import_id = ?", importID(key)).Exec(ctx)
		if err != nil {
			return err
		}
		return s.touch(ctx, tx, key, true)
	})
}

// NextChunk implements [ports.ImportStore].
func (s *Store) NextChunk(ctx context.Context, key domain.ImportKey, after int) (next ports.ImportChunk, ok bool, err error) {
	err = s.read(ctx, "next chunk", func(ctx context.Context, db bun.IDB) error {
		if err := checkDecided(ctx, db, key); err != nil {
			return err
		}
		next, ok, err = s.openNext(ctx, db, key, after)
		return err
	})
	return next, ok, err
}

// checkDecided returns [domain.ErrImportNotFound] unless there is the import, and it was decided.
func checkDecided(ctx context.Context, db bun.IDB, key domain.ImportKey) error {
	decided, err := db.NewSelect().Table("imports").Where("import_id = ?", importID(key)).Where("row_count > 0").Exists(ctx)
	if err == nil && !decided {
		return refuse(domain.ErrImportNotFound)
	}
	return err
}

// ImportProgress implements [ports.ImportStore].
func (s *Store) ImportProgress(ctx context.Context, key domain.ImportKey) (done domain.ImportCounts, ended bool, err error) {
	err = s.read(ctx, "import progress", func(ctx context.Context, db bun.IDB) error {
		if err := checkDecided(ctx, db, key); err != nil {
			return err
		}
		var total struct {
			importChunk
			Open int
		}
		err := db.NewSelect().Table("import_chunks").Where("import_id = ?", importID(key)).
			ColumnExpr("coalesce(sum(added), 0) AS added, coalesce(sum(changed), 0) AS changed").
			ColumnExpr("coalesce(sum(unchanged), 0) AS unchanged, coalesce(sum(refused), 0) AS refused").
			ColumnExpr("count(CASE WHEN NOT ended THEN 1 END) AS open").Scan(ctx, &total)
		done, ended = total.counts(), total.Open == 0
		return err
	})
	return done, ended, err
}

// openNext returns the first chunk of an import after a row that has not ended.
func (s *Store) openNext(ctx context.Context, db bun.IDB, key domain.ImportKey, after int) (next ports.ImportChunk, ok bool, err error) {
	var row importChunk
	err = db.NewSelect().Model(&row).Column("first_row", "payload").Where("import_id = ?", importID(key)).
		Where("NOT ended").Where("first_row > ?", after).Order("first_row").Limit(1).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return next, false, nil
	}
	if err != nil {
		return next, false, err
	}
	next.ImportPlace = ports.ImportPlace{Import: key, FirstRow: row.FirstRow}
	next.Payload, err = s.sealer.Open(sealedFor(next.ImportPlace), row.Payload)
	return next, true, refuse(err)
}

// EndChunk implements [ports.ImportStore].
func (s *Store) EndChunk(ctx context.Context, place ports.ImportPlace, counts domain.ImportCounts) error {
	err := s.changeImport(ctx, "end chunk", place.Import, existing, func(ctx context.Context, tx bun.Tx, _ int) error {
		row := importChunk{
			ImportID: importID(place.Import), FirstRow: place.FirstRow, Ended: true,
			Added: counts.Added, Changed: counts.Changed, Unchanged: counts.Unchanged, Refused: counts.Refused,
		}
		_, err := tx.NewUpdate().Model(&row).ExcludeColumn("identities").WherePK().Where("NOT ended").Exec(ctx)
		if err != nil {
			return err
		}
		left, err := tx.NewSelect().Table("import_chunks").Where("import_id = ?", importID(place.Import)).Where("NOT ended").Exists(ctx)
		if err != nil {
			return err
		}
		return s.touch(ctx, tx, place.Import, left)
	})
	if errors.Is(err, domain.ErrImportNotFound) {
		return nil
	}
	return err
}

// OpenImports implements [ports.ImportStore].
func (s *Store) OpenImports(ctx context.Context, idle time.Duration) (open []domain.ImportKey, err error) {
	err = s.read(ctx, "open imports", func(ctx context.Context, db bun.IDB) error {
		var ids []uuid.UUID
		err := db.NewSelect().Table("imports").Column("import_id").Where("idle_since IS NULL").
			Where("touched_at <= (SELECT ?) - ?", s.dialect.Clock(), idle.Microseconds()).Scan(ctx, &ids)
		open = nil
		for _, id := range ids {
			open = append(open, domain.ImportKey(id))
		}
		return err
	})
	return open, err
}

// resealChunks seals the payloads of imports again that are sealed with another key than the one that seals now. Those that can't be
// opened stay as they are.
func (s *Store) resealChunks(ctx context.Context) error {
	var rows []importChunk
	err := s.read(ctx, "reseal imports", func(ctx context.Context, db bun.IDB) error {
		rows = nil
		return db.NewSelect().Model(&rows).Column("import_id", "first_row").Where("sealing_key <> ?", s.sealer.KeyIDs()[0]).Scan(ctx)
	})
	for _, row := range rows {
		if err == nil {
			err = s.resealChunk(ctx, row)
		}
	}
	return err
}

func (s *Store) resealChunk(ctx context.Context, row importChunk) error {
	id, err := uuid.Parse(row.ImportID)
	if err != nil {
		return err
	}
	place := ports.ImportPlace{Import: domain.ImportKey(id), FirstRow: row.FirstRow}
	err = s.changeImport(ctx, "reseal imports", place.Import, existing, func(ctx context.Context, tx bun.Tx, _ int) error {
		err := tx.NewSelect().Model(&row).WherePK().Scan(ctx)
		if err != nil || row.Payload == nil {
			return err
		}
		payload, err := s.sealer.Open(sealedFor(place), row.Payload)
		if err != nil {
			return nil //nolint:nilerr // stays as it is
		}
		if err := s.sealChunk(&row, ports.ImportChunk{ImportPlace: place, Payload: payload}); err != nil {
			return err
		}
		_, err = tx.NewUpdate().Model(&row).Column("payload", "sealing_key").WherePK().Exec(ctx)
		return err
	})
	if errors.Is(err, domain.ErrImportNotFound) {
		return nil
	}
	return err
}
