package sqlite_test

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// There are more leases than one transaction forgets.
func TestForgetLeasesForgetsAllOldLeases(t *testing.T) {
	path := newFile(t)
	store := open(t, path, keyRing(t, 1))
	other, err := sql.Open("sqlite", path) // not a farm, so both can have the file open
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	_, err = other.Exec(`WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 2500)
		INSERT INTO ended_leases (lease, ended_at) SELECT n, n FROM numbers`)
	if err != nil {
		t.Fatal(err)
	}

	if err := store.Forget(context.Background(), ports.Ages{Leases: 0, Events: 0}); err != nil {
		t.Error(err)
	}

	var left int
	if err := other.QueryRow("SELECT count(*) FROM ended_leases").Scan(&left); err != nil {
		t.Fatal(err)
	}
	if left > 0 {
		t.Errorf("%d leases are remembered", left)
	}
}

func TestForgetDeletesUnusedLabelSetsAndPools(t *testing.T) {
	path := newFile(t)
	store := open(t, path, keyRing(t, 1))
	other, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	left := func() (sets, pools int) {
		t.Helper()
		row := other.QueryRow("SELECT (SELECT count(*) FROM label_sets), (SELECT count(*) FROM pools)")
		if err := row.Scan(&sets, &pools); err != nil {
			t.Fatal(err)
		}
		return sets, pools
	}
	user := addUser(t, store)
	_, err = other.Exec(`WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 25)
		INSERT INTO pools (project_id, env, domain) SELECT 'a', n, 'b' FROM numbers`)
	if err == nil { // more than what one query examines, and one transaction deletes
		_, err = other.Exec(`WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 2500)
			INSERT INTO label_sets (pool_id, labels) SELECT 1 + n % 26, json_object('n', cast(n AS text)) FROM numbers`)
	}
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	forget := func() {
		t.Helper()
		if err := store.Forget(ctx, ports.Ages{}); err != nil {
			t.Fatal(err)
		}
	}
	relabel := func(labels domain.Labels) {
		t.Helper()
		_, err := store.Update(ctx, ports.ByUser(user), func(now time.Time, users []*domain.User) error {
			return users[0].Change(now, domain.Change{Labels: &labels})
		})
		if err != nil {
			t.Fatal(err)
		}
	}

	relabel(domain.Labels{"n": "26"}) // which was unused
	forget()
	if sets, pools := left(); sets != 1 || pools != 1 {
		t.Errorf("%d sets of labels and %d pools are left, want those of the user", sets, pools)
	}
	relabel(domain.Labels{"n": "1"})
	relabel(domain.Labels{"n": "2"})
	forget()
	if sets, pools := left(); sets != 1 || pools != 1 {
		t.Errorf("%d sets of labels and %d pools are left, want those of the user", sets, pools)
	}
	if err := store.Remove(ctx, user, func(time.Time, []*domain.User) error { return nil }); err != nil {
		t.Fatal(err)
	}
	forget()
	if sets, pools := left(); sets != 0 || pools != 0 {
		t.Errorf("%d sets of labels and %d pools are left, want none", sets, pools)
	}
}
