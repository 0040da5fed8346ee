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
		if _, err := ann.ImportUsers(t.Context(), domain.ImportPart{ID: domain.ImportID{1}, Rows: importRows(all), Reason: "load"}); !errors.Is(err, ports.ErrUnavailable) {
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
		if len(created) != all || created[all-1].Key != (domain.APIKeyID{7}) || created[all-1].Reason != "load" {
			t.Errorf("%d events, the last by %v for %q", len(created), created[len(created)-1].Key, created[len(created)-1].Reason)
		}
	})
}

// An earlier version kept the chunk, and knew no reasons.
func TestAChunkWithoutReasonIsCarriedOut(t *testing.T) {
	const payload = `{"Key":[7,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0],"Rows":[{"Login":"user-0","Pool":{"ProjectID":[1,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0],` +
		`"Env":"stage","Domain":"regular"},"Password":"hunter2"}]}`
	store, id, caller := memory.New(), domain.ImportID{1}, domain.Caller{Key: domain.APIKeyID{7}, Role: domain.Admin}
	err := store.StageImport(t.Context(), ports.ImportChunk{
		ImportPlace: ports.ImportPlace{Import: id.Of(caller), FirstRow: 1}, Payload: domain.NewSecret(payload),
		Identities: []domain.Identity{importRows(1)[0].Identity()},
	})
	if err != nil {
		t.Fatal(err)
	}
	farm := mustNew(store, settings).For(caller)
	part := domain.ImportPart{ID: id, FirstRow: 2, Rows: importRows(2)[1:], Reason: "load"}
	if _, err := farm.ImportUsers(t.Context(), part); err != nil {
		t.Fatal(err)
	}
	if report, err := farm.FinishImport(t.Context(), id, 2); err != nil || report.Counts != (domain.ImportCounts{Added: 2}) {
		t.Fatalf("the report is %+v (%v)", report, err)
	}
	page, err := farm.Events(t.Context(), ports.EventQuery{Limit: 10})
	if err != nil || len(page.Events) != 2 || page.Events[0].Reason != "" || page.Events[1].Reason != "load" {
		t.Errorf("the events are %+v (%v)", page.Events, err)
	}
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
