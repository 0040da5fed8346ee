package portstest

import (
	"slices"

	"github.com/userfarm/userfarm/domain"
)

var poolTests = []storeTest{
	{"counts nothing in an empty store", func(f *farm) { f.wantCounts() }},
	{"counts the users of every pool by status", countStates},
	{"orders pools by project, environment and domain, each by its bytes", countOrder},
}

func countStates(f *farm) {
	pool := domain.Pool{ProjectID: projectA, Env: "staging", Domain: "shop"}
	other := domain.Pool{ProjectID: projectA, Env: "staging", Domain: "mail"}
	users := f.addMany(8, in(pool))
	gone := f.addMany(2, in(other))
	f.acquire(named(users[0]), named(users[1]))
	f.must(f.lockOpen(users[2].ID(), 0))
	f.must(f.quarantine(users[3].ID(), "free and broken"))
	f.must(f.quarantine(users[1].ID(), "held and broken"))
	f.use(users[4])

	inOther := domain.PoolCount{Pool: other, Total: 2, Free: 2}
	f.advance(ttl - instant)
	f.wantCounts(inOther, domain.PoolCount{Pool: pool, Total: 8, Free: 4, Locked: 2, Quarantined: 2})
	f.advance(instant)
	f.wantCounts(inOther, domain.PoolCount{Pool: pool, Total: 8, Free: 5, Locked: 1, Quarantined: 2})

	for _, u := range gone {
		f.must(f.remove(u.ID()))
	}
	f.wantCounts(domain.PoolCount{Pool: pool, Total: 8, Free: 5, Locked: 1, Quarantined: 2})
}

func countOrder(f *farm) {
	texts := []string{"B", "_", "a", "a b", "a-", "aB", "ab", "b", "é", "\U0001f642"} // ascending by their bytes
	var want []domain.PoolCount
	for _, project := range []domain.ProjectID{projectA, projectB} {
		for _, env := range texts {
			for _, name := range texts {
				pool := domain.Pool{ProjectID: project, Env: env, Domain: name}
				want = append(want, domain.PoolCount{Pool: pool, Total: 1, Free: 1})
			}
		}
	}
	var users []*domain.User
	for _, count := range slices.Backward(want) {
		users = append(users, f.build(in(count.Pool)))
	}
	f.must(f.store.Add(f.Context(), domain.Once{}, users...))
	f.wantCounts(want...)
}

// wantCounts fails the test unless these are the counts of all pools, in this order.
func (f *farm) wantCounts(want ...domain.PoolCount) {
	f.Helper()
	got, err := f.store.CountPools(f.Context(), domain.Scope{})
	f.must(err)
	if !slices.Equal(got, want) {
		f.Fatalf("counts are\n\t%+v, want\n\t%+v", got, want)
	}
}
