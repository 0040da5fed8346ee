// Package farmtest gives Go tests users of a farm, one test at a time:
//
//	user := farmtest.User(t, farm, domain.Selector{Env: "stage", Labels: domain.Labels{"role": "admin"}})
//	logIn(user.Login, user.Password.Reveal())
//
// The farm may be a client or a farm in the same process.
package farmtest

import (
	"context"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/userfarm/userfarm/adapters/client"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

const (
	// ttl is how long the users of a test are missing if its process is killed. The lease of a test that runs longer is renewed.
	ttl = time.Minute

	longestWait = 10 * time.Minute // for users
	reserve     = 10 * time.Second // of the time of the test process, so that a test that got no user can say so

	// refusedPause is the pause before the next attempt. The farm has made the test wait in line already, or has no place there.
	refusedPause = time.Second

	releaseTimeout = 30 * time.Second

	longestOwner = 255 // characters, as the domain has it
)

// User returns a user that matches the selector. No other test has it until this test and its subtests have ended. While all such
// users are taken, User waits in line: ten minutes at most, and not longer than the test process may run. It fails the test if
// there is no user.
//
// The test fails, too, if the lease was lost while the test ran, because another test may have used the user then. The output of a
// failed test says which user it had, by its login. It never has the password.
func User(t testing.TB, farm ports.Leases, selector domain.Selector) domain.LeasedUser {
	t.Helper()
	return Users(t, farm, selector)[0]
}

// Users is [User] for several users, each for one of the selectors. A test that needs several should ask for all of them at once: two
// tests can then not wait for each other's users.
func Users(t testing.TB, farm ports.Leases, selectors ...domain.Selector) []domain.LeasedUser {
	t.Helper()
	lease, err := acquire(t, farm, selectors)
	if err != nil {
		t.Fatalf("farmtest: no user for the test: %v", err)
	}
	// The context of the test ends before its cleanups, which may still use the users.
	ctx := context.WithoutCancel(t.Context())
	held, holding := client.Hold(ctx, farm, lease)
	t.Cleanup(func() {
		t.Helper()
		lost := context.Cause(held)
		releasing, cancel := context.WithTimeout(ctx, releaseTimeout)
		defer cancel()
		switch err := holding.Release(releasing); {
		case lost == nil && errors.Is(err, domain.ErrLeaseExpired):
			lost = err
		case lost == nil && err != nil:
			t.Logf("farmtest: the users are free again after %v at the latest: %v", ttl, err)
		}
		if lost != nil {
			t.Errorf("farmtest: another test may have used the users of this one: %v", lost)
		}
		if t.Failed() {
			for _, user := range lease.Users {
				t.Logf("farmtest: the test had the user %s (%s, %s; fence %d)", user.Login, user.Pool.Env, user.Pool.Domain, user.Fence)
			}
		}
	})
	return lease.Users
}

// acquire waits in line until it gets users, or there is no time left. It always asks with the same key, and so keeps its place.
func acquire(t testing.TB, farm ports.Leases, selectors []domain.Selector) (domain.Lease, error) {
	ctx, cancel := context.WithDeadline(t.Context(), waitUntil(t))
	defer cancel()
	key, err := domain.NewIdempotencyKey(rand.Text())
	if err != nil {
		return domain.Lease{}, err
	}
	name := []rune(t.Name())
	terms := domain.Terms{Owner: string(name[:min(len(name), longestOwner)]), TTL: ttl, Wait: domain.MaxWait}
	for {
		lease, err := farm.Acquire(ctx, selectors, terms, key)
		if err == nil || !domain.MayPass(err) || ctx.Err() != nil {
			return lease, err
		}
		select {
		case <-ctx.Done():
			return lease, err
		case <-time.After(refusedPause):
		}
	}
}

// waitUntil returns until when a test waits for its users.
func waitUntil(t testing.TB) time.Time {
	latest := time.Now().Add(longestWait)
	process, ok := t.(interface{ Deadline() (time.Time, bool) })
	if !ok {
		return latest
	}
	if ends, ok := process.Deadline(); ok && ends.Add(-reserve).Before(latest) {
		return ends.Add(-reserve)
	}
	return latest
}
