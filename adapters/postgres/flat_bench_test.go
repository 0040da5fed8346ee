package postgres_test

import (
	"context"
	"flag"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/adapters/postgres/postgrestest"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// flatUsers has the sizes of the pools of BenchmarkFlat. A million takes some minutes to fill and to lock.
var flatUsers = flag.String("flat.users", "1000,100000", "sizes of the pools of BenchmarkFlat")

// BenchmarkFlat claims and releases users with 64 clients, from pools with different numbers of users and of free users. Each
// commit is synced to the disk. Every search should take the same time.
func BenchmarkFlat(b *testing.B) {
	server := postgrestest.Start(b)
	server.Set(b, "fsync", "on")
	for size := range strings.SplitSeq(*flatUsers, ",") {
		n, err := strconv.Atoi(size)
		if err != nil {
			b.Fatal(err)
		}
		b.Run("users="+size, func(b *testing.B) { benchmarkFlat(b, server, n) })
	}
}

func benchmarkFlat(b *testing.B, server *postgrestest.Server, users int) {
	databaseURL := server.NewDatabase(b)
	store := open(b, databaseURL, newKeyRing(b))
	fill(b, store, users)
	// The number of a user decides whether it is locked. Its labels do not depend on it.
	const number = "substr(login, 6)::integer"
	for _, state := range []struct{ name, change string }{
		{"locked=0%", "SELECT"},
		{"locked=90%", "UPDATE users SET free_at = 9223372036854775807, lock_acquired_at = 1 WHERE " + number + " % 1000 < 900"},
		{"expired=90%", "UPDATE users SET free_at = 2, lock_expires_at = 2 WHERE lock_acquired_at = 1"},
		{"locked=99.9%", "UPDATE users SET free_at = 9223372036854775807, lock_acquired_at = 1, lock_expires_at = NULL WHERE " +
			number + " % 1000 < 999"},
	} {
		server.Exec(b, databaseURL, state.change)
		server.Exec(b, databaseURL, "VACUUM ANALYZE users")
		server.Exec(b, databaseURL, "CHECKPOINT")
		for _, search := range []struct {
			name string
			want domain.Selector
		}{
			{"pool", anyUser},
			{"label", domain.Selector{ProjectID: pool.ProjectID, Labels: domain.Labels{"role": "admin"}}},
		} {
			b.Run(state.name+"/"+search.name, func(b *testing.B) { benchmarkPairs(b, store, search.want) })
		}
	}
}

// fill adds users. Every tenth is an admin, and each has one of ten places.
func fill(b *testing.B, store ports.Store, n int) {
	b.Helper()
	now := time.Now().UTC().Truncate(time.Microsecond)
	const atOnce = 5_000
	for first := 0; first < n; first += atOnce {
		var users []*domain.User
		for i := first; i < min(n, first+atOnce); i++ {
			labels := domain.Labels{"role": "plain", "place": strconv.Itoa(i / 10 % 10)}
			if i%10 == 9 {
				labels["role"] = "admin"
			}
			user, err := domain.NewUser(domain.NewUserID(now), now, domain.Spec{
				Login: fmt.Sprintf("user-%d", i), Password: domain.NewSecret(password), Pool: pool, Labels: labels,
			})
			if err != nil {
				b.Fatal(err)
			}
			users = append(users, user)
		}
		if err := store.Add(context.Background(), domain.Once{}, users...); err != nil {
			b.Fatal(err)
		}
	}
}

// benchmarkPairs claims and releases users with 64 clients. If there are fewer free users, a refusal counts as a pair: it is an
// answer, too.
func benchmarkPairs(b *testing.B, store *bunstore.Store, want domain.Selector) {
	const clients = 64
	ctx := context.Background()
	var refused atomic.Int64
	b.SetParallelism(max(1, clients/runtime.GOMAXPROCS(0)))
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			lease := domain.NewLeaseID()
			if _, err := store.Claim(ctx, ports.Claim{Want: []domain.Selector{want}, Decide: grantTo(lease)}); err != nil {
				refused.Add(1)
				continue
			}
			if err := release(ctx, store, lease); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "pairs/s")
	if n := refused.Load(); n > 0 {
		b.ReportMetric(float64(n), "refused")
	}
}
