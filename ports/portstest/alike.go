package portstest

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"

	"github.com/userfarm/userfarm/domain"
)

var alikeTests = []storeTest{
	{"counts users by their labels, those in quarantine on their own", alikeByLabels},
	{"counts only what a selector matches, in its scope", alikeOfSelector},
	{"counts a user in quarantine as soon as its lock expires, if the lock says so", alikeOfExpired},
}

func alikeByLabels(f *farm) {
	f.wantAlike(anyone)
	users := f.addMany(6, withRole("admin"))
	f.addMany(2)
	f.add(withLabels(domain.Labels{"role": "admin", "plan": "free"}))
	f.add(in(prodShop), withRole("admin"))
	f.acquire(named(users[0]))
	f.must(f.quarantine(users[1].ID(), "broken"))
	f.must(f.quarantine(users[0].ID(), "held and broken"))
	f.must(f.remove(users[2].ID()))
	f.must(f.update(users[3].ID(), relabel(nil)))
	pool := users[0].Pool()
	f.wantAlike(anyone,
		domain.Stock{Pool: prodShop, Users: []domain.Alike{{Labels: domain.Labels{"role": "admin"}, Users: 1}}},
		domain.Stock{Pool: pool, Users: []domain.Alike{
			{Labels: domain.Labels{}, Users: 3},
			{Labels: domain.Labels{"plan": "free", "role": "admin"}, Users: 1},
			{Labels: domain.Labels{"role": "admin"}, Users: 2, Quarantined: 2},
		}},
	)
}

func alikeOfSelector(f *farm) {
	f.add(in(prodShop), withRole("admin"))
	f.add(in(prodShop))
	f.add(in(prodMail))
	f.add(in(otherShop))
	admin := domain.Alike{Labels: domain.Labels{"role": "admin"}, Users: 1}
	plain := domain.Alike{Labels: domain.Labels{}, Users: 1}
	stock := func(pool domain.Pool, users ...domain.Alike) domain.Stock {
		return domain.Stock{Pool: pool, Users: users}
	}
	f.wantAlike(domain.Selector{ProjectID: projectB}, stock(otherShop, plain))
	f.wantAlike(anyone.In(domain.Only(projectB)), stock(otherShop, plain))
	f.wantAlike(domain.Selector{Env: "prod", Domain: "shop"}, stock(prodShop, plain, admin))
	f.wantAlike(role("admin"), stock(prodShop, admin))
	f.wantAlike(domain.Selector{Env: "prod", ProjectID: projectB})
	f.wantAlike(anyone.In(domain.Only()))
	f.wantAlike(domain.Selector{Env: "a\x00b"})
}

func alikeOfExpired(f *farm) {
	u := f.add()
	strict, err := domain.LeasePolicy{QuarantineOnExpiry: true}.Apply([]domain.Selector{anyone}, domain.Terms{TTL: ttl})
	f.must(err)
	_, err = f.tryAcquireOn(strict, anyone)
	f.must(err)
	f.wantAlike(anyone, domain.Stock{Pool: u.Pool(), Users: []domain.Alike{{Labels: domain.Labels{}, Users: 1}}})
	f.advance(2 * ttl)
	f.wantAlike(anyone, domain.Stock{Pool: u.Pool(), Users: []domain.Alike{{Labels: domain.Labels{}, Quarantined: 1}}})
}

// wantAlike fails the test unless these are the counts, ordered by pool and labels.
func (f *farm) wantAlike(want domain.Selector, stocks ...domain.Stock) {
	f.Helper()
	before := f.now()
	got, now, err := f.store.CountAlike(f.Context(), want)
	f.must(err)
	slices.SortFunc(got, func(a, b domain.Stock) int {
		return cmp.Or(cmp.Compare(a.Pool.ProjectID.String(), b.Pool.ProjectID.String()), cmp.Compare(a.Pool.Env, b.Pool.Env),
			cmp.Compare(a.Pool.Domain, b.Pool.Domain))
	})
	for _, stock := range got {
		slices.SortFunc(stock.Users, func(a, b domain.Alike) int { return cmp.Compare(fmt.Sprint(a.Labels), fmt.Sprint(b.Labels)) })
	}
	if len(got)+len(stocks) > 0 && !reflect.DeepEqual(got, stocks) {
		f.Fatalf("%+v has\n\t%+v, want\n\t%+v", want, got, stocks)
	}
	if now.Before(before) {
		f.Fatalf("it was %v by the store's clock, and then the count says %v", before, now)
	}
}
