package portstest

import (
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

const (
	benchMany  = 8000 // pools, or sets of labels
	benchTeams = 80
)

// benchmarkMany measures what pairs cost that have nothing to do with each other: in many pools, and with many sets of labels. Compare
// them with pair/clients=64 of [BenchmarkStore].
func benchmarkMany(b *testing.B, newStore func(testing.TB) ports.Store) {
	const clients = 64
	pool := domain.Selector{ProjectID: projectA, Env: "staging", Domain: "shop"}
	pools := func(i int) (domain.Pool, domain.Labels) {
		return domain.Pool{ProjectID: projectA, Env: "staging", Domain: "shop-" + strconv.Itoa(i)}, nil
	}
	sets := func(i int) (domain.Pool, domain.Labels) {
		return domain.Pool{ProjectID: projectA, Env: "staging", Domain: "shop"}, domain.Labels{"account": strconv.Itoa(i), "team": strconv.Itoa(i % benchTeams), "role": "buyer"}
	}
	for _, bench := range []struct {
		name string
		user func(i int) (domain.Pool, domain.Labels)
		want func(i int) domain.Selector
	}{
		{"one-of-pools=8000/clients=64", pools, func(i int) domain.Selector {
			p, _ := pools(i)
			return domain.Selector{ProjectID: p.ProjectID, Env: p.Env, Domain: p.Domain}
		}},
		{"one-of-label-sets=8000/clients=64", sets, func(i int) domain.Selector {
			want := pool
			want.Labels = domain.Labels{"account": strconv.Itoa(i)}
			return want
		}},
		{"shared-by-some-label-sets=100/clients=64", sets, func(i int) domain.Selector {
			want := pool
			want.Labels = domain.Labels{"team": strconv.Itoa(i % benchTeams)}
			return want
		}},
		{"shared-by-label-sets=8000/clients=64", sets, func(int) domain.Selector {
			want := pool
			want.Labels = domain.Labels{"role": "buyer"}
			return want
		}},
	} {
		farm := &benchFarm{store: newStore(b)}
		farm.addMany(b, benchMany, bench.user)
		var last atomic.Int64
		b.Run(bench.name, func(b *testing.B) {
			// No two clients want the same at the same time.
			farm.benchmarkPairs(b, func() domain.Selector { return bench.want(int(last.Add(1) % benchMany)) }, clients)
		})
	}
}

// addMany adds users.
func (f *benchFarm) addMany(b *testing.B, n int, user func(i int) (domain.Pool, domain.Labels)) {
	b.Helper()
	now := time.Now().UTC().Truncate(time.Microsecond)
	const atOnce = 1000
	for first := 0; first < n; first += atOnce {
		var users []*domain.User
		for i := first; i < min(n, first+atOnce); i++ {
			pool, labels := user(i)
			u, err := domain.NewUser(domain.NewUserID(now), now, domain.Spec{
				Login: fmt.Sprintf("many-%d@example.com", i), Password: domain.NewSecret(passwordOf + strconv.Itoa(i)), Pool: pool, Labels: labels,
			})
			if err != nil {
				b.Fatal(err)
			}
			users = append(users, u)
		}
		if err := f.store.Add(b.Context(), domain.Once{}, users...); err != nil {
			b.Fatal(err)
		}
	}
}
