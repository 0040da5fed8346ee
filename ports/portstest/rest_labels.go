package portstest

import (
	"slices"
	"strconv"

	"github.com/userfarm/userfarm/domain"
)

// restLabelled claims users with labels, one by one, from a pool in which three users have the same account. Some come back early,
// and one is added that comes first. It does so with a selector that names the pool, and with one that leaves it open.
func restLabelled(want domain.Labels) func(*farm) {
	const users, others, teams, claims = 1600, 10, 10, 150
	return func(f *farm) {
		for e, env := range []string{"one", "any"} {
			first := e * 10_000
			in := func(labels domain.Labels) func(*domain.Spec) {
				return func(s *domain.Spec) { s.Pool.Env, s.Labels = env, labels }
			}
			var all, rested []*domain.User // rested has those that match, the most rested first
			for i := range users + others {
				labels := domain.Labels{"account": strconv.Itoa(i / 3), "team": strconv.Itoa(i / 3 % teams), "role": "buyer"}
				if i >= users {
					labels["role"] = "seller"
				}
				u := f.buildAt(first+1+i, in(labels))
				all = append(all, u)
				if labels.Contain(want) {
					rested = append(rested, u)
				}
			}
			f.must(f.store.Add(f.Context(), domain.Once{}, all...))
			selector := domain.Selector{Env: env, Labels: want}
			if env == "one" {
				selector.ProjectID, selector.Domain = projectA, "shop"
			}
			for i := range min(claims, len(rested)) {
				lease := f.acquire(selector)
				f.wantUsers(lease, rested[0])
				taken := rested[0]
				rested = rested[1:]
				if i%3 == 0 {
					f.advance(instant)
					f.must(f.release(lease.ID))
					rested = append(rested, taken)
				}
				if i == claims/2 {
					late := f.buildAt(first, in(want))
					f.must(f.store.Add(f.Context(), domain.Once{}, late))
					rested = slices.Insert(rested, 0, late)
				}
			}
		}
	}
}
