package memory

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// staged is an import of several chunks.
type staged struct {
	chunks  map[int]*chunk // by the number of the first row
	rows    int            // of a decided import
	open    bool
	touched time.Time
}

type chunk struct {
	accounts []account // of its rows
	payload  domain.Secret
	counts   domain.ImportCounts
	ended    bool
}

// rowsElsewhere returns the rows of an import by their accounts, but for so many from in on.
func (s *Store) rowsElsewhere(in ports.ImportPlace, size int) map[account]int {
	rows := make(map[account]int)
	i, known := s.imports[in.Import]
	if !known {
		return rows
	}
	for first, c := range i.chunks {
		if first >= in.FirstRow && first < in.FirstRow+size {
			continue
		}
		for at, account := range c.accounts {
			rows[account] = first + at
		}
	}
	delete(rows, s.account(domain.Identity{}))
	return rows
}

// StageImport implements [ports.ImportStore].
func (s *Store) StageImport(ctx context.Context, given ports.ImportChunk) error {
	now, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	i, known := s.imports[given.Import]
	if !known {
		i = &staged{chunks: make(map[int]*chunk)}
		s.imports[given.Import] = i
	}
	accounts := make([]account, len(given.Identities))
	for at, identity := range given.Identities {
		accounts[at] = s.account(identity)
	}
	before, known := i.chunks[given.FirstRow]
	switch {
	case known && !slices.Equal(before.accounts, accounts), !known && i.rows > 0:
		return fmt.Errorf("memory: stage import: %w", domain.ErrIdempotencyMismatch)
	case i.rows > 0:
		return nil
	case !known:
		i.chunks[given.FirstRow] = &chunk{accounts: accounts, payload: given.Payload}
	case before.payload == (domain.Secret{}):
		before.payload = given.Payload
	}
	i.touched = now
	return nil
}

// DecideImport implements [ports.ImportStore].
func (s *Store) DecideImport(ctx context.Context, key domain.ImportKey, rows int) error {
	now, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	i, known := s.imports[key]
	if !known {
		return fmt.Errorf("memory: decide import: %w", domain.ErrImportNotFound)
	}
	if i.rows == rows && rows > 0 {
		return nil
	}
	parts := make([]domain.StagedPart, 0, len(i.chunks))
	for first, c := range i.chunks {
		parts = append(parts, domain.StagedPart{FirstRow: first, Rows: len(c.accounts), Refused: c.payload == (domain.Secret{})})
	}
	err = domain.CheckComplete(rows, parts)
	if i.rows > 0 {
		err = domain.ErrImportIncomplete
	}
	if err != nil {
		return fmt.Errorf("memory: decide import: %w", err)
	}
	i.rows, i.open, i.touched = rows, true, now
	return nil
}

// NextChunk implements [ports.ImportStore].
func (s *Store) NextChunk(ctx context.Context, key domain.ImportKey, after int) (next ports.ImportChunk, ok bool, err error) {
	if _, err := s.begin(ctx); err != nil {
		return next, false, err
	}
	defer s.mu.Unlock()
	i, err := s.decided(key)
	if err != nil {
		return next, false, fmt.Errorf("memory: next chunk: %w", err)
	}
	for first, c := range i.chunks {
		if !c.ended && first > after && (!ok || first < next.FirstRow) {
			next, ok = ports.ImportChunk{ImportPlace: ports.ImportPlace{Import: key, FirstRow: first}, Payload: c.payload}, true
		}
	}
	return next, ok, nil
}

// ImportProgress implements [ports.ImportStore].
func (s *Store) ImportProgress(ctx context.Context, key domain.ImportKey) (done domain.ImportCounts, ended bool, err error) {
	if _, err := s.begin(ctx); err != nil {
		return done, false, err
	}
	defer s.mu.Unlock()
	i, err := s.decided(key)
	if err != nil {
		return done, false, fmt.Errorf("memory: import progress: %w", err)
	}
	for _, c := range i.chunks {
		done.Add(c.counts)
	}
	return done, !i.open, nil
}

// decided returns a decided import, or [domain.ErrImportNotFound].
func (s *Store) decided(key domain.ImportKey) (*staged, error) {
	i, known := s.imports[key]
	if !known || i.rows == 0 {
		return nil, domain.ErrImportNotFound
	}
	return i, nil
}

// EndChunk implements [ports.ImportStore].
func (s *Store) EndChunk(ctx context.Context, place ports.ImportPlace, counts domain.ImportCounts) error {
	now, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	i, known := s.imports[place.Import]
	if !known || i.chunks[place.FirstRow] == nil || i.chunks[place.FirstRow].ended {
		return nil
	}
	c := i.chunks[place.FirstRow]
	c.payload, c.counts, c.ended = domain.Secret{}, counts, true
	i.open, i.touched = false, now
	for _, c := range i.chunks {
		i.open = i.open || !c.ended
	}
	return nil
}

// OpenImports implements [ports.ImportStore].
func (s *Store) OpenImports(ctx context.Context, idle time.Duration) (open []domain.ImportKey, err error) {
	now, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	for key, i := range s.imports {
		if i.open && now.Sub(i.touched) >= idle {
			open = append(open, key)
		}
	}
	return open, nil
}
