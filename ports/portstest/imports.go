package portstest

import (
	"errors"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

var importTests = []storeTest{
	{"keeps the chunks of an import until they have ended", importIsKept},
	{"keeps a chunk that is staged again", importIsStagedAgain},
	{"decides an import that is complete", importIsDecided},
	{"lists open imports with which nothing happens", importIsOpen},
	{"forgets an import that does not go on", importIsForgotten},
}

// stage stages a chunk of two rows.
func (f *farm) stage(firstRow int, payload string) error {
	return f.store.StageImport(f.Context(), ports.ImportChunk{
		ImportPlace: ports.ImportPlace{Import: domain.ImportKey{1}, FirstRow: firstRow}, Payload: domain.NewSecret(payload),
		Identities: []domain.Identity{{ProjectID: projectA, Env: "e", Login: string(rune('a' + firstRow))}, {ProjectID: projectA, Env: "e", Login: "z"}},
	})
}

func (f *farm) decide(rows int) error {
	return f.store.DecideImport(f.Context(), domain.ImportKey{1}, rows)
}

// wantNext fails the test unless the next chunk begins at this row; 0 if there is none.
func (f *farm) wantNextChunk(firstRow int, payload string, done domain.ImportCounts) {
	f.Helper()
	next, ok, err := f.store.NextChunk(f.Context(), domain.ImportKey{1}, 0)
	f.must(err)
	if ok != (firstRow > 0) || next.FirstRow != firstRow || next.Payload.Reveal() != payload {
		f.Fatalf("got the chunk %+v, %t", next.ImportPlace, ok)
	}
	counts, ended, err := f.store.ImportProgress(f.Context(), domain.ImportKey{1})
	f.must(err)
	if counts != done || ended == ok {
		f.Fatalf("got the progress %+v, ended %t", counts, ended)
	}
}

func importIsKept(f *farm) {
	f.must(f.stage(3, "second"))
	f.must(f.stage(1, "first"))
	_, _, err := f.store.NextChunk(f.Context(), domain.ImportKey{1}, 0)
	f.wantErr("a chunk of an import that is not decided", err, domain.ErrImportNotFound)
	_, _, err = f.store.ImportProgress(f.Context(), domain.ImportKey{1})
	f.wantErr("the progress of an import that is not decided", err, domain.ErrImportNotFound)
	f.must(f.decide(4))
	f.restart()
	f.wantNextChunk(1, "first", domain.ImportCounts{})
	for after, want := range map[int]int{1: 3, 2: 3, 3: 0} {
		next, ok, err := f.store.NextChunk(f.Context(), domain.ImportKey{1}, after)
		f.must(err)
		if next.FirstRow != want || ok != (want > 0) {
			f.Errorf("the chunk after row %d begins at %d", after, next.FirstRow)
		}
	}
	counts := domain.ImportCounts{Added: 1, Changed: 2, Unchanged: 3, Refused: 4}
	f.must(f.store.EndChunk(f.Context(), ports.ImportPlace{Import: domain.ImportKey{1}, FirstRow: 1}, counts))
	f.must(f.store.EndChunk(f.Context(), ports.ImportPlace{Import: domain.ImportKey{1}, FirstRow: 1}, counts)) // once
	f.wantNextChunk(3, "second", counts)
	f.must(f.store.EndChunk(f.Context(), ports.ImportPlace{Import: domain.ImportKey{1}, FirstRow: 3}, counts))
	counts.Add(counts)
	f.wantNextChunk(0, "", counts)
	f.must(f.store.EndChunk(f.Context(), ports.ImportPlace{Import: domain.ImportKey{9}, FirstRow: 1}, counts))
}

func importIsStagedAgain(f *farm) {
	f.must(f.stage(1, "")) // with errors
	f.wantErr("an import without a payload", f.decide(2), domain.ErrImportIncomplete)
	f.must(f.stage(1, "first"))
	f.must(f.stage(1, "again"))
	other := ports.ImportChunk{ImportPlace: ports.ImportPlace{Import: domain.ImportKey{1}, FirstRow: 1}, Identities: []domain.Identity{{}, {}}}
	f.wantErr("other rows at the same place", f.store.StageImport(f.Context(), other), domain.ErrIdempotencyMismatch)
	f.must(f.decide(2))
	f.must(f.stage(1, "late"))
	f.wantErr("more rows of a decided import", f.stage(3, "more"), domain.ErrIdempotencyMismatch)
	f.wantNextChunk(1, "first", domain.ImportCounts{})
}

func importIsDecided(f *farm) {
	f.wantErr("an unknown import", f.decide(2), domain.ErrImportNotFound)
	f.must(f.stage(1, "first"))
	for _, rows := range []int{0, 1, 4} {
		f.wantErr("an import with missing rows", f.decide(rows), domain.ErrImportIncomplete)
	}
	f.must(f.decide(2))
	f.must(f.decide(2))
	f.wantErr("another number of rows", f.decide(1), domain.ErrImportIncomplete)
}

func importIsOpen(f *farm) {
	open := func(idle time.Duration) int {
		f.Helper()
		keys, err := f.store.OpenImports(f.Context(), idle)
		f.must(err)
		if len(keys) == 1 && keys[0] != (domain.ImportKey{1}) {
			f.Errorf("got %v", keys)
		}
		return len(keys)
	}
	f.must(f.stage(1, "first"))
	f.advance(time.Minute)
	f.wantEqual("open imports before the decision", open(0), 0)
	f.must(f.decide(2))
	f.wantEqual("open imports", open(0), 1)
	f.wantEqual("open imports with which nothing happens", open(time.Second), 0)
	f.advance(time.Second)
	f.wantEqual("open imports after a second", open(time.Second), 1)
	f.must(f.store.EndChunk(f.Context(), ports.ImportPlace{Import: domain.ImportKey{1}, FirstRow: 1}, domain.ImportCounts{}))
	f.advance(time.Second)
	f.wantEqual("open imports at the end", open(0), 0)
}

func importIsForgotten(f *farm) {
	f.must(f.stage(1, "first"))
	f.advance(domain.ImportKept)
	f.must(f.stage(3, "second")) // it goes on
	f.advance(domain.ImportKept)
	f.must(f.store.Forget(f.Context(), ports.Ages{}))
	f.must(f.decide(4))
	f.advance(2 * domain.ImportKept)
	f.must(f.store.Forget(f.Context(), ports.Ages{}))
	f.wantNextChunk(1, "first", domain.ImportCounts{})
	for _, first := range []int{1, 3} {
		f.must(f.store.EndChunk(f.Context(), ports.ImportPlace{Import: domain.ImportKey{1}, FirstRow: first}, domain.ImportCounts{Added: 2}))
	}
	f.must(f.store.Forget(f.Context(), ports.Ages{}))
	f.wantNextChunk(0, "", domain.ImportCounts{Added: 4})
	f.advance(domain.ImportKept + instant)
	f.must(f.store.Forget(f.Context(), ports.Ages{}))
	if _, _, err := f.store.NextChunk(f.Context(), domain.ImportKey{1}, 0); !errors.Is(err, domain.ErrImportNotFound) {
		f.Errorf("the import is not forgotten: %v", err)
	}
}
