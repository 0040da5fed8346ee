package portstest

import (
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

var addTests = []storeTest{
	{"keeps a new user as it is", addNew},
	{"keeps all that a user can be", addFull},
	{"keeps a batch", addBatch},
	{"keeps an empty batch", func(f *farm) { f.must(f.store.Add(f.Context(), domain.Once{})) }},
	{"rejects a whole batch if one of its users exists", addTaken},
	{"accepts a login again in another project or environment", addElsewhere},
}

func addNew(f *farm) {
	u := f.build(withLabels(domain.Labels{"role": "admin", "plan": "free"}))
	f.must(f.store.Add(f.Context(), domain.Once{}, u))
	f.wantSame(f.get(u.ID()), u)
	f.wantStatus(u.ID(), domain.Free)
}

// addFull adds a user that has a value in every field, as an import from another store may.
func addFull(f *farm) {
	id := domain.NewLeaseID()
	s := f.build(withLabels(domain.Labels{"role": "admin"})).Snapshot()
	s.CreatedAt = time.Date(1999, 12, 31, 23, 59, 59, 999_999_000, time.UTC)
	s.Fence = 1<<62 + 1 // a float64 can't hold this value
	s.ReleasedAt = f.born.Add(-time.Hour)
	s.Lock = &domain.Lock{
		Lease: id.Digest(), Position: 31, Size: 1, Owner: "owner", Note: "note",
		AcquiredAt: f.born.Add(-instant), ExpiresAt: f.born.Add(ttl),
	}
	s.Quarantine = &domain.Quarantine{Reason: "password rejected", Since: f.born.Add(-time.Minute)}
	u := domain.Restore(s)
	f.must(f.store.Add(f.Context(), domain.Once{}, u))
	f.wantSame(f.get(u.ID()), u)

	users, _, err := f.store.Find(f.Context(), ports.ByLease(id.Digest()))
	f.must(err)
	f.wantIDs("lease", ids(users), []domain.UserID{u.ID()})
}

func addBatch(f *farm) {
	users := f.addMany(300)
	f.wantIDs("list", f.list(ports.Query{}), sorted(users))
}

func addTaken(f *farm) {
	there := f.add(withLogin("taken"))
	pool := there.Snapshot().Pool
	otherDomain := in(domain.Pool{ProjectID: pool.ProjectID, Env: pool.Env, Domain: "another"})
	sameID := func(as *domain.User) *domain.User {
		s := f.build().Snapshot()
		s.ID = as.ID()
		return domain.Restore(s)
	}
	fresh := f.build()
	batches := map[string][]*domain.User{
		"a login of the store":                   {f.build(withLogin("taken"))},
		"a login of the store in another domain": {f.build(withLogin("taken"), otherDomain)},
		"a login of the store, last of a batch":  {f.build(), f.build(), f.build(withLogin("taken"))},
		"a login of the store, first of a batch": {f.build(withLogin("taken")), f.build(), f.build()},
		"a login twice in a batch":               {f.build(withLogin("twice")), f.build(), f.build(withLogin("twice"))},
		"an id of the store":                     {sameID(there)},
		"an id of the store, last of a batch":    {f.build(), sameID(there)},
		"an id twice in a batch":                 {fresh, sameID(fresh)},
		"the same user again":                    {f.build(), there},
	}
	for what, batch := range batches {
		f.wantErr(what, f.store.Add(f.Context(), domain.Once{}, batch...), domain.ErrUserExists)
		f.wantIDs("list after "+what, f.list(ports.Query{}), []domain.UserID{there.ID()})
	}
	f.wantSame(f.get(there.ID()), there)

	// A rejected batch leaves nothing behind that would reject its users again.
	f.must(f.store.Add(f.Context(), domain.Once{}, fresh, f.build(withLogin("twice"))))
}

func addElsewhere(f *farm) {
	for _, project := range []domain.ProjectID{projectA, projectB} {
		for _, env := range []string{"staging", "Staging", "production"} {
			f.add(withLogin("one"), in(domain.Pool{ProjectID: project, Env: env, Domain: "shop"}))
		}
	}
	if got := len(f.list(ports.Query{})); got != 6 {
		f.Fatalf("%d users, want 6", got)
	}
}
