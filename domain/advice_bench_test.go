package domain_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/userfarm/userfarm/domain"
)

// BenchmarkAdvise makes the advice of a pool of 1,000 users for as many claims as count at most: a day with a busy time, in which
// claims wait. Labels tells users and claims apart.
func BenchmarkAdvise(b *testing.B) {
	for _, labels := range []int{1, 20} {
		for _, load := range []float64{0.5, 1.1} {
			b.Run(fmt.Sprintf("labels=%d/load=%v", labels, load), func(b *testing.B) {
				random := rand.New(rand.NewPCG(1, 2))
				var users []domain.Alike
				for i := range labels {
					users = append(users, domain.Alike{Labels: domain.Labels{"role": fmt.Sprint(i)}, Users: 1000 / labels})
				}
				d := domain.Demand{}
				const hold = 10 * time.Minute
				at := noon
				for range domain.MostAdvisedClaims {
					at = at.Add(time.Duration(random.ExpFloat64() / load * float64(hold) / 1000))
					d.Claims = append(d.Claims, domain.PastClaim{
						Came: at, Want: []domain.Selector{{Labels: domain.Labels{"role": fmt.Sprint(random.IntN(labels))}}},
						Held: []time.Duration{time.Duration(random.ExpFloat64() * float64(hold))},
					})
				}
				b.ReportAllocs()
				for b.Loop() {
					domain.Advise(d, users, domain.DefaultTarget)
				}
			})
		}
	}
}

// BenchmarkAdviseTogether is about claims of two users each, of which both are short: most of a day's claims wait.
func BenchmarkAdviseTogether(b *testing.B) {
	for name, wants := range map[string][][]domain.Selector{
		"pairs only": {{role("buyer"), role("seller")}},
		"and others": {{role("buyer"), role("seller")}, {role("buyer"), role("seller")}, {role("buyer")}, {role("seller")}, {{}}},
	} {
		b.Run(name, func(b *testing.B) {
			random := rand.New(rand.NewPCG(1, 2))
			const pairs, hold = 20, 10 * time.Minute
			d := domain.Demand{}
			at := noon
			for range domain.MostAdvisedClaims {
				at = at.Add(time.Duration(random.ExpFloat64() / 1.1 * float64(hold) / pairs))
				held := time.Duration(random.ExpFloat64() * float64(hold))
				want := wants[random.IntN(len(wants))]
				d.Claims = append(d.Claims, domain.PastClaim{Came: at, Want: want, Held: slices.Repeat([]time.Duration{held}, len(want))})
			}
			b.ReportAllocs()
			for b.Loop() {
				domain.Advise(d, []domain.Alike{inRole("buyer", pairs), inRole("seller", pairs)}, domain.DefaultTarget)
			}
		})
	}
}
