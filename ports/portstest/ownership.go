package portstest

import (
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

var ownershipTests = []storeTest{
	{"does not change when a caller changes what it passed in", ownGiven},
	{"does not change when a caller changes what it got", ownReturned},
	{"does not change when decide changes users after it has returned", ownDecided},
}

// spoil changes every field of a user that can change.
func spoil(f *farm, u *domain.User) {
	f.Helper()
	labels, password := domain.Labels{"spoiled": "yes"}, domain.NewSecret("spoiled")
	f.must(u.Change(f.born, domain.Change{Labels: &labels, Password: &password}))
	f.must(u.Quarantine(f.born, "spoiled"))
	f.must(domain.ForceRelease(f.born, []*domain.User{u}, ""))
}

func ownGiven(f *farm) {
	labels := domain.Labels{"role": "admin"}
	u := f.build(withLabels(labels))
	want := domain.Restore(u.Snapshot())
	f.must(f.store.Add(f.Context(), domain.Once{}, u))
	spoil(f, u)
	labels["role"] = "spoiled"
	f.wantSame(f.get(u.ID()), want)

	want2 := []domain.Selector{role("admin")}
	f.wantUsers(f.acquire(want2...), want)
	want2[0].Labels["role"] = "spoiled"
	f.wantUnmatched(domain.ErrPoolExhausted, []int{0}, role("admin"))
}

func ownReturned(f *farm) {
	added := f.add(withRole("admin"))
	f.acquire(anyone)
	id := added.ID()
	want := f.get(id)

	spoil(f, f.get(id))
	f.wantSame(f.get(id), want)
	page, err := f.store.List(f.Context(), ports.Query{Limit: 1})
	f.must(err)
	spoil(f, page.Users[0])
	f.wantSame(f.get(id), want)
	users, err := f.store.Update(f.Context(), ports.ByUser(id), func(time.Time, []*domain.User) error { return nil })
	f.must(err)
	spoil(f, users[0])
	f.wantSame(f.get(id), want)

	f.must(f.forceRelease(id))
	want = f.get(id)
	users, err = f.store.Claim(f.Context(), ports.Claim{Want: []domain.Selector{anyone}, Decide: func(time.Time, []*domain.User) error { return nil }})
	f.must(err)
	spoil(f, users[0])
	f.wantSame(f.get(id), want)
}

func ownDecided(f *farm) {
	u := f.add()
	var kept []*domain.User
	keep := func(_ time.Time, users []*domain.User) error {
		kept = append(kept, users...)
		return nil
	}
	_, err := f.store.Update(f.Context(), ports.ByUser(u.ID()), keep)
	f.must(err)
	_, err = f.store.Claim(f.Context(), ports.Claim{Want: []domain.Selector{anyone}, Decide: keep})
	f.must(err)
	for _, user := range kept {
		spoil(f, user)
	}
	f.wantSame(f.get(u.ID()), u)
}
