package postgres

import (
	"strconv"
	"testing"
	"time"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/adapters/postgres/postgrestest"
	"github.com/userfarm/userfarm/domain"
)

// A group of claims that want the same may need more users than a search usually remembers.
func TestASearchForLabelsFindsAsManyAsAGroupNeeds(t *testing.T) {
	databaseURL := postgrestest.Shared(t).NewDatabase(t)
	store := openTraced(t, databaseURL, new(recorder))
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
	conn := connectTo(t.Context(), t, databaseURL)
	inPool := func(labels domain.Labels) domain.Selector {
		return domain.Selector{ProjectID: pool.ProjectID, Env: pool.Env, Domain: pool.Domain, Labels: labels}
	}
	role := domain.Labels{"role": "buyer"}
	const needed = bunstore.CandidatesAtOnce + 72
	for name, search := range map[string]struct {
		query func(domain.Selector, int) (string, []any)
		want  domain.Selector
	}{
		"few sets":               {searchFewSets, inPool(domain.Labels{"team": "1"})},
		"many sets of a pool":    {searchManySets, inPool(role)},
		"many sets of any pools": {searchManySets, domain.Selector{Labels: role}},
	} {
		sql, args := search.query(search.want, needed)
		tag, err := conn.Exec(t.Context(), sql, args...)
		if err != nil || tag.RowsAffected() != needed {
			t.Errorf("%s: a search finds %d users, want %d; its error is %v", name, tag.RowsAffected(), needed, err)
		}
	}
}
