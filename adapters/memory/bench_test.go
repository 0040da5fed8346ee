package memory_test

import (
	"errors"
	"flag"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/userfarm/userfarm/adapters/memory"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
	"github.com/userfarm/userfarm/ports/portstest"
)

func BenchmarkStore(b *testing.B) {
	portstest.BenchmarkStore(b, func(testing.TB) ports.Store { return memory.New() })
}

// flatUsers has the sizes of the farms of BenchmarkFlat. A million different users take some gigabytes.
var flatUsers = flag.String("flat.users", "1000,100000", "sizes of the farms of BenchmarkFlat")

var flatPool = domain.Pool{ProjectID: domain.ProjectID{1}, Env: "staging", Domain: "shop"}

// BenchmarkFlat acquires a user and releases it, in farms of different sizes, whose users have the same labels or each its
// own. A search should take the same time in all of them.
func BenchmarkFlat(b *testing.B) {
	inPool := func(labels domain.Labels) domain.Selector {
		return domain.Selector{ProjectID: flatPool.ProjectID, Env: flatPool.Env, Domain: flatPool.Domain, Labels: labels}
	}
	for size := range strings.SplitSeq(*flatUsers, ",") {
		n, err := strconv.Atoi(size)
		if err != nil {
			b.Fatal(err)
		}
		b.Run("users="+size+"/alike", func(b *testing.B) {
			store := flatFarm(b, n, func(int) domain.Labels { return nil })
			b.Run("pool", func(b *testing.B) { benchmarkPairs(b, store, inPool(nil)) })
			b.Run("refusal", func(b *testing.B) { benchmarkRefusals(b, store, inPool(domain.Labels{"role": "none"})) })
			b.Run("holders", func(b *testing.B) { benchmarkHolders(b, store, inPool(nil)) })
			b.Run("add", func(b *testing.B) { benchmarkAdd(b, store, n) })
		})
		b.Run("users="+size+"/different", func(b *testing.B) {
			store := flatFarm(b, n, func(i int) domain.Labels {
				labels := domain.Labels{"number": strconv.Itoa(i), "team": strconv.Itoa(i % 8000), "role": "plain"}
				if i%10 == 9 {
					labels["role"] = "admin"
				}
				return labels
			})
			for _, search := range []struct {
				name string
				want domain.Selector
			}{
				{"pool", inPool(nil)},
				{"project", domain.Selector{ProjectID: flatPool.ProjectID}},
				{"admin", inPool(domain.Labels{"role": "admin"})},
				{"team", inPool(domain.Labels{"team": "119"})},
				{"admin of team", inPool(domain.Labels{"role": "admin", "team": "119"})},
				{"number", inPool(domain.Labels{"number": "119"})},
			} {
				b.Run(search.name, func(b *testing.B) { benchmarkPairs(b, store, search.want) })
			}
		})
	}
}

func flatFarm(b *testing.B, n int, labels func(int) domain.Labels) *memory.Store {
	b.Helper()
	store := memory.New()
	const atOnce = 1000
	for first := 0; first < n; first += atOnce {
		var users []*domain.User
		for i := first; i < min(n, first+atOnce); i++ {
			users = append(users, flatUser(b, i, labels(i)))
		}
		if err := store.Add(b.Context(), domain.Once{}, users...); err != nil {
			b.Fatal(err)
		}
	}
	return store
}

func flatUser(b *testing.B, i int, labels domain.Labels) *domain.User {
	now := time.Now().UTC().Truncate(time.Microsecond)
	u, err := domain.NewUser(domain.NewUserID(now), now, domain.Spec{
		Login: fmt.Sprintf("user-%d@example.com", i), Password: domain.NewSecret("secret"), Pool: flatPool, Labels: labels,
	})
	if err != nil {
		b.Fatal(err)
	}
	return u
}

// benchmarkPairs makes one pair before it measures, because the first search of its kind may have to make an index.
func benchmarkPairs(b *testing.B, store *memory.Store, want domain.Selector) {
	b.ReportAllocs()
	began := time.Now()
	makePair(b, store, want)
	first := time.Since(began)
	for b.Loop() {
		makePair(b, store, want)
	}
	b.ReportMetric(float64(first.Microseconds()), "µs/first")
}

func makePair(b *testing.B, store *memory.Store, want domain.Selector) {
	lease := domain.NewLeaseID()
	_, err := store.Claim(b.Context(), ports.Claim{
		Want: []domain.Selector{want},
		Decide: func(now time.Time, users []*domain.User) error {
			_, err := domain.Grant(now, lease, domain.Terms{TTL: time.Hour}, users)
			return err
		},
	})
	if err != nil {
		b.Fatal(err)
	}
	_, err = store.Update(b.Context(), ports.ByLease(lease.Digest()), func(now time.Time, users []*domain.User) error {
		return domain.Release(now, lease, users)
	})
	if err != nil {
		b.Fatal(err)
	}
}

func benchmarkRefusals(b *testing.B, store *memory.Store, want domain.Selector) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := store.Claim(b.Context(), ports.Claim{Want: []domain.Selector{want}}); !errors.Is(err, domain.ErrNoMatch) {
			b.Fatalf("claim: %v, want %v", err, domain.ErrNoMatch)
		}
	}
}

// benchmarkHolders asks who holds users, as a refused claim does.
func benchmarkHolders(b *testing.B, store *memory.Store, want domain.Selector) {
	b.ReportAllocs()
	for range 2 * domain.MostHolders {
		_, err := store.Claim(b.Context(), ports.Claim{
			Want: []domain.Selector{want},
			Decide: func(now time.Time, users []*domain.User) error {
				_, err := domain.Grant(now, domain.NewLeaseID(), domain.Terms{TTL: time.Hour}, users)
				return err
			},
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		held, _, err := store.Holders(b.Context(), want, domain.MostHolders)
		if err != nil || len(held) != domain.MostHolders {
			b.Fatalf("holders: %d users, %v", len(held), err)
		}
	}
}

func benchmarkAdd(b *testing.B, store *memory.Store, n int) {
	b.ReportAllocs()
	for b.Loop() {
		if err := store.Add(b.Context(), domain.Once{}, flatUser(b, n, nil)); err != nil {
			b.Fatal(err)
		}
		n++
	}
}
