package bunstoretest

import (
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
		total = 119_999 // more than two pages examine
		users = 1_100   // with the same login, which are more than one statement looks for
	)
	var chunk []eventRow
	add := func(row eventRow) {
		row.At, row.Domain, row.ProjectID = row.EventID, "d", domain.ProjectID{1}.String()
		if chunk = append(chunk, row); len(chunk) == 2_000 || row.EventID == total {
			if _, err := db.NewInsert().Model(&chunk).Exec(t.Context()); err != nil {
				t.Fatal(err)
			}
			chunk = nil
		}
	}
	var rare, ofLogin []ports.EventID
	for id := ports.EventID(1); id <= total; id++ {
		row := eventRow{EventID: int64(id), Kind: domain.UserAcquired, UserID: domain.UserID{1}.String(), Login: "ann", Env: "frequent"}
		if id == 2_500 || id == 55_000 || id == 55_001 || id == total-1 {
			row.Env = "rare"
			rare = append(rare, id)
		}
		if n := (int(id) / 2) % 30_000; n < users {
			// Each of these users has two events at the beginning, and two in the middle: the last one is that of its removal.
			row.UserID, row.Login = domain.UserID{2, byte(n >> 8), byte(n)}.String(), []string{"bob", "Bob"}[n%2]
			if id > total/2 && id%2 == 1 {
				row.Kind = domain.UserRemoved
			}
			ofLogin = append(ofLogin, id)
		}
		add(row)
	}

	want := func(q ports.EventQuery, want []ports.EventID, least, most int) {
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
		if pages < least || pages > most {
			t.Errorf("for %+v, the store returned %d pages, want from %d to %d", q, pages, least, most)
		}
	}
	for _, newestFirst := range []bool{false, true} {
		q := ports.EventQuery{NewestFirst: newestFirst}
		byEnv, byPool, byLogin, byBoth := q, q, q, q
		byEnv.Env = "rare"
		want(byEnv, rare, 3, 4)
		byPool.ProjectID, byPool.Env = domain.ProjectID{1}, "rare"
		want(byPool, rare, 3, 4)
		byLogin.Login = "BOB"
		want(byLogin, ofLogin, 5, 5)
		byBoth.Login, byBoth.Env = "BOB", "frequent"
		want(byBoth, ofLogin, 5, 5)
	}
}
