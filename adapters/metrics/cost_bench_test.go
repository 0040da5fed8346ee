package metrics_test

import (
	"testing"

	"github.com/userfarm/userfarm/adapters/memory"
	"github.com/userfarm/userfarm/adapters/metrics"
	"github.com/userfarm/userfarm/app"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/login"
	"github.com/userfarm/userfarm/ports"
)

// BenchmarkPair acquires and releases a user of a farm in memory, where nothing hides what it costs to measure that.
func BenchmarkPair(b *testing.B) {
	measured := metrics.New("")
	for name, observers := range map[string][]ports.Observer{"without metrics": nil, "with metrics": {measured}} {
		b.Run(name, func(b *testing.B) {
			farm, err := app.New(memory.NewWith(login.Rule{}, observers...), app.Settings{})
			if err != nil {
				b.Fatal(err)
			}
			_, err = farm.CreateUser(b.Context(), domain.Spec{Login: "ann", Password: domain.NewSecret("pw"), Pool: stage}, domain.IdempotencyKey{})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				lease, err := farm.Acquire(b.Context(), []domain.Selector{in(stage)}, domain.Terms{}, domain.IdempotencyKey{})
				if err != nil {
					b.Fatal(err)
				}
				if err := farm.Release(b.Context(), lease.ID); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
