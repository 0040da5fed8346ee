package app_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/userfarm/userfarm/adapters/memory"
	"github.com/userfarm/userfarm/app"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// fragile is a store whose chunks can't end after the first one, while it is broken.
type fragile struct {
	*memory.Store
	broken bool
	ended  int
}

func (s *fragile) EndChunk(ctx context.Context, place ports.ImportPlace, counts domain.ImportCounts) error {
	if s.ended++; s.broken && s.ended > 1 {
		return ports.ErrUnavailable
	}
	return s.Store.EndChunk(ctx, place, counts)
}

func importRows(n int) []domain.ImportRow {
	password := domain.NewSecret("hunter2")
	rows := make([]domain.ImportRow, n)
	for i := range rows {
		rows[i] = domain.ImportRow{Login: fmt.Sprintf("user-%d", i), Password: &password, Pool: stage}
	}
	return rows
}

// The farm fails in the middle of an import, and its caller has gone.
func TestHousekeepingCarriesOutTheRestOfAnImport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &fragile{Store: memory.New(), broken: true}
		farm, err := app.New(store, app.Settings{})
		if err != nil {
			t.Fatal(err)
		}
		ann := farm.For(domain.Caller{Key: domain.APIKeyID{7}, Role: domain.Admin})
		const all = 2500
		if _, err := ann.ImportUsers(t.Context(), domain.ImportPart{ID: domain.ImportID{1}, Rows: importRows(all)}); !errors.Is(err, ports.ErrUnavailable) {
			t.Fatalf("got the error %v", err)
		}
		count := func() (total int) {
			counts, err := farm.Pools(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, pool := range counts {
				total += pool.Free
			}
			return total
		}
		if got := count(); got == 0 || got == all {
			t.Fatalf("the import did not break off: %d users", got)
		}
		store.broken = false
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { farm.RunHousekeeping(ctx, slog.New(slog.DiscardHandler)) })
		time.Sleep(15 * time.Second)
		cancel()
		running.Wait()
		if got := count(); got != all {
			t.Errorf("there are %d users, want %d", got, all)
		}
		report, err := ann.FinishImport(t.Context(), domain.ImportID{1}, all)
		if err != nil || report.State != domain.ImportApplied || report.Counts != (domain.ImportCounts{Added: all}) {
			t.Errorf("the report is %+v (%v)", report, err)
		}
		created := events(t, farm, ports.EventQuery{Limit: 2 * all})
		if len(created) != all || created[all-1].Key != (domain.APIKeyID{7}) {
			t.Errorf("%d events, the last by %v", len(created), created[len(created)-1].Key)
		}
	})
}

func TestAnotherCallerCanNotFinishAnImport(t *testing.T) {
	farm := newFarm(t, "ann")
	id := domain.ImportID{1}
	if _, err := farm.ImportUsers(t.Context(), domain.ImportPart{ID: id, FirstRow: 1, Rows: importRows(1)}); err != nil {
		t.Fatal(err)
	}
	other := farm.For(domain.Caller{Key: domain.APIKeyID{7}, Role: domain.Admin})
	if _, err := other.FinishImport(t.Context(), id, 1); !errors.Is(err, domain.ErrImportNotFound) {
		t.Errorf("got the error %v", err)
	}
}

func TestAnAdminOfAProjectImportsNothingElsewhere(t *testing.T) {
	farm := newFarm(t, "ann")
	limited := farm.For(domain.Caller{Key: domain.APIKeyID{7}, Role: domain.Admin, Scope: domain.Only(domain.ProjectID{99})})
	_, err := limited.ImportUsers(t.Context(), domain.ImportPart{Rows: importRows(1)})
	refused, ok := errors.AsType[*domain.ImportRefusedError](err)
	if !ok || len(refused.Report.Errors) != 1 || refused.Report.Errors[0].Pointer != "/project_id" {
		t.Errorf("got the error %v", err)
	}
}
