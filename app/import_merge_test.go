package app_test

import (
	"context"
	"sync"
	"testing"

	"github.com/userfarm/userfarm/adapters/memory"
	"github.com/userfarm/userfarm/app"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// overtaken is a store in which something happens before the first merge.
type overtaken struct {
	*memory.Store
	happens func()
	once    sync.Once
}

func (s *overtaken) Merge(ctx context.Context, merge ports.Merge) error {
	s.once.Do(s.happens)
	return s.Store.Merge(ctx, merge)
}

// Somebody else adds one of the users of an import, and removes another, after the import looked for them.
func TestAnImportIsOvertaken(t *testing.T) {
	for name, rows := range map[string]int{"in one transaction": 10, "in parts": 2500} {
		t.Run(name, func(t *testing.T) {
			store := &overtaken{Store: memory.New()}
			farm := mustNew(store, app.Settings{})
			gone := create(t, farm, "user-3")
			store.happens = func() {
				if err := farm.RemoveUser(t.Context(), gone, ""); err != nil {
					t.Error(err)
				}
				create(t, farm, "user-4")
			}
			report, err := farm.ImportUsers(t.Context(), domain.ImportPart{Rows: importRows(rows)})
			if err != nil {
				t.Fatal(err)
			}
			want := domain.ImportCounts{Added: rows - 1, Changed: 1}
			if report.Counts != want || report.State != domain.ImportApplied {
				t.Errorf("got %+v, want %+v", report, want)
			}
			var logins []string
			for a, err := range farm.AllAccounts(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				logins = append(logins, a.Login)
			}
			if len(logins) != rows {
				t.Errorf("there are %d users, want %d", len(logins), rows)
			}
		})
	}
}

// panicking is a store in which the look-up for a chunk panics.
type panicking struct{ *memory.Store }

func (panicking) UserIDs(context.Context, []domain.Identity) ([]domain.UserID, error) {
	panic("a bug")
}

func TestAPanicInAnImportIsTheCallers(t *testing.T) {
	farm := mustNew(panicking{memory.New()}, app.Settings{})
	defer func() {
		if got := recover(); got != "a bug" {
			t.Errorf("got the panic %v", got)
		}
	}()
	_, err := farm.ImportUsers(t.Context(), domain.ImportPart{Rows: importRows(2500)})
	t.Errorf("got the error %v in place of a panic", err)
}
