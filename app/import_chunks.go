package app

import (
	"context"
	"iter"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// finishFor is how long one call of FinishImport carries out chunks.
const finishFor = 2 * time.Second

// FinishImport implements [ports.Imports].
func (f *Farm) FinishImport(ctx context.Context, id domain.ImportID, rows int) (domain.ImportReport, error) {
	key := id.Of(f.caller)
	if err := f.store.DecideImport(ctx, key, rows); err != nil {
		return domain.ImportReport{}, err
	}
	return f.applyImport(ctx, key, time.Now().Add(finishFor))
}

// applyImport carries out chunks of a decided import until there are none, or until a time. It carries out one at least.
func (f *Farm) applyImport(ctx context.Context, key domain.ImportKey, until time.Time) (domain.ImportReport, error) {
	report := domain.ImportReport{State: domain.ImportApplying}
	for chunk, err := range f.chunks(ctx, key) {
		if err == nil {
			err = f.applyChunk(ctx, chunk, &report)
		}
		if err != nil {
			return domain.ImportReport{}, err
		}
		if time.Now().After(until) {
			break
		}
	}
	done, ended, err := f.store.ImportProgress(ctx, key)
	if err != nil {
		return domain.ImportReport{}, err
	}
	if report.Counts = done; ended {
		report.State = domain.ImportApplied
	}
	return report, nil
}

// applyChunk carries out a chunk, notes what became of it, and adds that to a report.
func (f *Farm) applyChunk(ctx context.Context, chunk importRows, report *domain.ImportReport) error {
	of := domain.ImportReport{}
	if err := f.merge(ctx, chunk, &of); err != nil {
		return err
	}
	report.Add(of)
	return f.store.EndChunk(ctx, ports.ImportPlace{Import: chunk.key, FirstRow: chunk.numbers[0]}, of.Counts)
}

// chunks yields the chunks of a decided import that have not ended. While the caller works on one, it gets the next one ready.
func (f *Farm) chunks(ctx context.Context, key domain.ImportKey) iter.Seq2[importRows, error] {
	type result struct {
		chunk importRows
		more  bool
		err   error
	}
	return func(yield func(importRows, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		results := make(chan result)
		defer func() { // until the goroutine has ended
			cancel()
			for range results { //nolint:revive // nobody wants them
			}
		}()
		go func() {
			defer close(results)
			for next := (result{more: true}); next.more && next.err == nil; {
				next.chunk, next.more, next.err = f.nextChunk(ctx, key, next.chunk)
				select {
				case results <- next:
				case <-ctx.Done():
					return
				}
			}
		}()
		for next := range results {
			panicAgain(next.err)
			if !next.more && next.err == nil || !yield(next.chunk, next.err) {
				return
			}
		}
	}
}

// nextChunk returns the chunk after one, with the ids of the users that it changes. ok is false if there is none.
func (f *Farm) nextChunk(ctx context.Context, key domain.ImportKey, before importRows) (rows importRows, ok bool, err error) {
	defer catchPanic(&err)
	after := 0
	if len(before.numbers) > 0 {
		after = before.numbers[0]
	}
	chunk, ok, err := f.store.NextChunk(ctx, key, after)
	if err != nil || !ok {
		return rows, false, err
	}
	if rows, err = decodeRows(chunk.Payload); err != nil {
		return rows, true, err
	}
	rows.key, rows.numbers = key, make([]int, len(rows.rows))
	for i := range rows.rows {
		rows.numbers[i] = chunk.FirstRow + i
	}
	rows.users, err = f.store.UserIDs(ctx, rows.identities())
	return rows, true, err
}
