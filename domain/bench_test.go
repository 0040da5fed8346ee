package domain_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/userfarm/userfarm/domain"
)

// BenchmarkAssign picks the users of a lease, from as many candidates for each selector as a store finds.
func BenchmarkAssign(b *testing.B) {
	for _, selectors := range []int{1, domain.MaxLeaseUsers} {
		b.Run(fmt.Sprintf("selectors=%d", selectors), func(b *testing.B) {
			want := make([]domain.Selector, selectors)
			var candidates []*domain.User
			for i := range want {
				role := domain.Labels{"role": fmt.Sprint("role-", i)}
				if i%2 == 1 { // the others want any user, and must make way
					want[i].Labels = role
				}
				for j := range selectors {
					candidates = append(candidates, newUser(fmt.Sprintf("user-%d-%d", i, j), role))
				}
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, missing := domain.Assign(want, candidates); len(missing) > 0 {
					b.Fatal("some selectors got no user")
				}
			}
		})
	}
}

// BenchmarkGrantAndRelease measures all that the domain does for one lease.
func BenchmarkGrantAndRelease(b *testing.B) {
	for _, n := range []int{1, domain.MaxLeaseUsers} {
		b.Run(fmt.Sprintf("users=%d", n), func(b *testing.B) {
			users := make([]*domain.User, n)
			for i := range users {
				users[i] = newUser(fmt.Sprint("user-", i), domain.Labels{"role": "admin"})
			}
			terms := domain.Terms{Owner: "ci-4711/worker-3", TTL: time.Minute}
			b.ReportAllocs()
			for b.Loop() {
				id := domain.NewLeaseID()
				if _, err := domain.Grant(noon, id, terms, users); err != nil {
					b.Fatal(err)
				}
				if err := domain.Release(noon, id, users); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkCopy copies a user that is locked and has labels, in the ways that stores use.
func BenchmarkCopy(b *testing.B) {
	user := newUser("ann", domain.Labels{"role": "admin", "plan": "free"})
	terms := domain.Terms{Owner: "ci-4711/worker-3", TTL: time.Minute}
	if _, err := domain.Grant(noon, domain.NewLeaseID(), terms, []*domain.User{user}); err != nil {
		b.Fatal(err)
	}
	b.Run("Snapshot", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = user.Snapshot()
		}
	})
	b.Run("Clone", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = user.Clone()
		}
	})
}
