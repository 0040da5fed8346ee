package bunstoretest

import (
	"context"
	"slices"
	"testing"

	"github.com/uptrace/bun"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// eventRow is a row of the table events.
type eventRow struct {
	bun.BaseModel `bun:"table:events"`

	EventID   int64
	At        int64
	Kind      domain.EventKind
	UserID    string
	Login     string
	ProjectID string
	Env       string
	Domain    string
	Owner     string
	Note      string
	Fence     int64
	Reason    string
}

// TestEventFilters tests filters on a long history. The store is empty, and db is its database.
func TestEventFilters(t *testing.T, store ports.Store, db *bun.DB) {
	t.Helper()
	const (
		total = 59_999 // more than one page examines
		users = 550    // with the same login, which are more than one statement looks for
	)
	var rows []eventRow
	var rare, ofLogin []ports.EventID
	for id := ports.EventID(1); id <= total; id++ {
		row := eventRow{
			EventID: int64(id), At: int64(id), Kind: domain.UserAcquired, UserID: domain.UserID{1}.String(), Login: "ann",
			ProjectID: domain.ProjectID{1}.String(), Env: "frequent", Domain: "d",
		}
		if id == 1_500 || id == 49_000 || id == 51_000 || id == 51_001 || id == total-1 {
			row.Env = "rare"
			rare = append(rare, id)
		}
		if n := (int(id) / 2) % 15_000; n < users {
			// Each of these users has two events at the beginning, and two in the middle: the last one is that of its removal.
			row.UserID, row.Login = domain.UserID{2, byte(n >> 8), byte(n)}.String(), []string{"bob", "Bob"}[n%2]
			if id > total/2 && id%2 == 1 {
				row.Kind = domain.UserRemoved
			}
			ofLogin = append(ofLogin, id)
		}
		rows = append(rows, row)
	}
	err := db.RunInTx(t.Context(), nil, func(ctx context.Context, tx bun.Tx) error {
		for some := range slices.Chunk(rows, 2_000) {
			if _, err := tx.NewInsert().Model(&some).Exec(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}

	want := func(q ports.EventQuery, want []ports.EventID, wantPages int) {
		t.Helper()
		q.Limit = 1000
		want = slices.Clone(want)
		if q.NewestFirst {
			slices.Reverse(want)
		}
		var got []ports.EventID
		pages := 0
		for more := true; more; pages++ {
			page, err := store.Events(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range page.Events {
				got = append(got, e.ID)
			}
			q.After, more = page.Next, page.Next != 0
		}
		if !slices.Equal(got, want) {
			t.Errorf("for %+v, the store found %d events, want %d", q, len(got), len(want))
		}
		if pages != wantPages {
			t.Errorf("for %+v, the store returned %d pages, want %d", q, pages, wantPages)
		}
	}
	for _, newestFirst := range []bool{false, true} {
		q := ports.EventQuery{NewestFirst: newestFirst}
		byEnv, byPool, byLogin, byBoth := q, q, q, q
		byEnv.Env = "rare"
		want(byEnv, rare, 2)
		byPool.ProjectID, byPool.Env = domain.ProjectID{1}, "rare"
		want(byPool, rare, 2)
		byLogin.Login = "BOB"
		want(byLogin, ofLogin, 3)
		byBoth.Login, byBoth.Env = "BOB", "frequent"
		want(byBoth, ofLogin, 3)
	}
}
