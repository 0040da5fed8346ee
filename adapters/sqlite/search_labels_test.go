package sqlite

import (
	"bytes"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/adapters/sealing"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/ledger"
)

// A group of claims that want the same may need more users than a search usually remembers.
func TestASearchForLabelsFindsAsManyAsAGroupNeeds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users.db")
	keys, err := sealing.NewKeyRing(bytes.Repeat([]byte{1}, sealing.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	store, err := Open(t.Context(), path, keys, bunstore.Logins{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	pool := domain.Pool{ProjectID: domain.ProjectID{1}, Env: "staging", Domain: "example.test"}
	users := make([]*domain.User, bunstore.FewSets+100)
	for i := range users {
		users[i] = domain.Restore(domain.Snapshot{
			ID: domain.NewUserID(time.Now()), CreatedAt: time.Now(), Login: strconv.Itoa(i), Pool: pool,
			Labels: domain.Labels{"account": strconv.Itoa(i), "team": strconv.Itoa(i % 2), "role": "buyer"},
		})
	}
	if err := store.Add(t.Context(), domain.Once{}, users...); err != nil {
		t.Fatal(err)
	}
	db, err := connectWriter(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	now := func() int64 { return time.Now().UnixMicro() }
	engine, err := newEngine(t.Context(), db.DB, dialectOf(now), now)
	if err != nil {
		t.Fatal(err)
	}
	const needed = bunstore.CandidatesAtOnce + 72
	named := domain.Selector{ProjectID: pool.ProjectID, Env: pool.Env, Domain: pool.Domain}
	few, many := named, named
	few.Labels, many.Labels = domain.Labels{"team": "1"}, domain.Labels{"role": "buyer"}
	for name, test := range map[string]struct {
		want   domain.Selector
		ofEach int // 0 if the search reads the users of the pool
	}{
		"few sets":               {few, needed},
		"many sets of a pool":    {many, 0},
		"many sets of any pools": {domain.Selector{Labels: many.Labels}, needed},
	} {
		tx, _, err := engine.Begin(t.Context(), bunstore.Ask{})
		if err != nil {
			t.Fatal(err)
		}
		found, ofEach, err := tx.(*transaction).findCandidates(ledger.Search{Want: test.want, Limit: needed}) //nolint:errcheck // it is one
		tx.Rollback()
		if err != nil || len(found) < needed || ofEach != test.ofEach {
			t.Errorf("%s: a search finds %d users, up to %d of each set, want %d, up to %d; its error is %v",
				name, len(found), ofEach, needed, test.ofEach, err)
		}
	}
}
