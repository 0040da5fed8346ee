package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/adapters/postgres/postgrestest"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// Two replicas claim the same users by id, each in the opposite order of the other, in groups and alone.
func TestReplicasThatClaimTheSameUsersDoNotDeadlock(t *testing.T) {
	const workers, rounds, users = 24, 25, 6
	databaseURL := postgrestest.Shared(t).NewDatabase(t)
	one, other := open(t, databaseURL, newKeyRing(t)), open(t, databaseURL, newKeyRing(t))
	ids := addUsers(t, one, users)
	ctx := context.Background()

	var running sync.WaitGroup
	for worker := range workers {
		store, backwards := []ports.Store{one, other}[worker%2], worker%2 == 1
		running.Go(func() {
			for range rounds {
				want := named(ids, 1+rand.IntN(4))
				if backwards {
					slices.Reverse(want)
				}
				lease := domain.NewLeaseID()
				_, err := store.Claim(ctx, ports.Claim{Want: want, Decide: grantTo(lease)})
				if err == nil {
					err = release(ctx, store, lease)
				}
				if err != nil && !errors.Is(err, domain.ErrUserLocked) && !errors.Is(err, domain.ErrPoolExhausted) {
					t.Errorf("claim and release: %v", err)
				}
			}
		})
	}
	running.Wait()

	// A session reports its deadlocks when it ends.
	if err := errors.Join(one.Close(), other.Close()); err != nil {
		t.Error(err)
	}
	if deadlocks := countDeadlocks(t, databaseURL); deadlocks > 0 {
		t.Errorf("PostgreSQL had to break %d deadlocks", deadlocks)
	}
}

// Two replicas add users with the same logins, each in the opposite order of the other.
func TestReplicasThatAddTheSameUsersDoNotDeadlock(t *testing.T) {
	const rounds, users = 30, 40
	databaseURL := postgrestest.Shared(t).NewDatabase(t)
	stores := []*bunstore.Store{open(t, databaseURL, newKeyRing(t)), open(t, databaseURL, newKeyRing(t))}
	for round := range rounds {
		answers := make(chan error, len(stores))
		start := make(chan struct{})
		for i, store := range stores {
			newcomers := newUsers(t, round, users)
			if i == 1 {
				slices.Reverse(newcomers)
			}
			go func() {
				<-start
				answers <- store.Add(context.Background(), domain.Once{}, newcomers...)
			}()
		}
		close(start)
		one, other := <-answers, <-answers
		if one != nil {
			one, other = other, one
		}
		if one != nil || !errors.Is(other, domain.ErrUserExists) {
			t.Fatalf("got %v and %v, want all the users of one and none of the other", one, other)
		}
	}
	if err := errors.Join(stores[0].Close(), stores[1].Close()); err != nil {
		t.Error(err)
	}
	if deadlocks := countDeadlocks(t, databaseURL); deadlocks > 0 {
		t.Errorf("PostgreSQL had to break %d deadlocks", deadlocks)
	}
}

// countDeadlocks waits until the database has no other session, and returns the number of deadlocks.
func countDeadlocks(t *testing.T, databaseURL string) (deadlocks int) {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	for others := 1; others > 0; {
		const count = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
		if err := conn.QueryRow(ctx, count).Scan(&others); err != nil {
			t.Fatal(err)
		}
	}
	const count = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
	if err := conn.QueryRow(ctx, count).Scan(&deadlocks); err != nil {
		t.Fatal(err)
	}
	return deadlocks
}

// named returns selectors of n of the users, in their order.
func named(ids []domain.UserID, n int) []domain.Selector {
	chosen := rand.Perm(len(ids))[:n]
	slices.Sort(chosen)
	want := make([]domain.Selector, n)
	for i, at := range chosen {
		want[i] = domain.Selector{UserID: ids[at]}
	}
	return want
}

// newUsers returns users with the logins of a round.
func newUsers(t *testing.T, round, n int) []*domain.User {
	t.Helper()
	now := time.Now().UTC().Truncate(time.Microsecond)
	users := make([]*domain.User, n)
	for i := range users {
		spec := domain.Spec{
			Login: fmt.Sprintf("round-%d-%d", round, i), Password: domain.NewSecret(password), Pool: pool,
			Labels: domain.Labels{"round": fmt.Sprint(round)},
		}
		user, err := domain.NewUser(domain.NewUserID(now), now, spec)
		if err != nil {
			t.Fatal(err)
		}
		users[i] = user
	}
	return users
}

// A replica that stops during a claim keeps its rows locked. Only claims that need one of these users wait.
func TestAPausedRivalDelaysOnlyCallersThatNeedItsUser(t *testing.T) {
	one, other, databaseURL := twoReplicas(t, 3)
	rival := newRival(t, other)
	page, err := one.List(context.Background(), ports.Query{Limit: 3})
	if err != nil {
		t.Fatal(err)
	}
	kept := page.Users[0].ID() // no user was ever held, so a claim takes the first one

	ctx, leave := context.WithCancel(context.Background())
	defer leave()
	waiting := make(chan error, 1)
	go func() {
		_, err := one.Update(ctx, ports.ByUser(kept), func(now time.Time, users []*domain.User) error {
			return users[0].LockOpen(now, 0)
		})
		waiting <- err
	}()
	awaitLockWait(t, databaseURL, waiting)
	for range 2 {
		if _, err := claim(ctx, one); err != nil {
			t.Errorf("a claim of another user: %v", err)
		}
	}
	rival.decision <- nil
	if err := <-rival.claimed; err != nil {
		t.Error(err)
	}
	if err := <-waiting; !errors.Is(err, domain.ErrUserLocked) {
		t.Errorf("the update that waited returns %v, want %v", err, domain.ErrUserLocked)
	}
}

// Another replica updates one user of a lease and locks its row. The release of the lease must wait for that row.
func TestALeaseIsReleasedForAllItsUsers(t *testing.T) {
	one, other, databaseURL := twoReplicas(t, 2)
	ctx := context.Background()
	lease := domain.NewLeaseID()
	users, err := one.Claim(ctx, ports.Claim{Want: []domain.Selector{anyUser, anyUser}, Decide: grantTo(lease)})
	if err != nil {
		t.Fatal(err)
	}
	deciding, decided, updated := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		_, err := other.Update(ctx, ports.ByUser(users[1].ID()), func(time.Time, []*domain.User) error {
			close(deciding)
			<-decided
			return nil
		})
		updated <- err
	}()
	<-deciding
	released := make(chan error, 1)
	go func() { released <- release(ctx, one, lease) }()
	awaitLockWait(t, databaseURL, released)
	close(decided)
	if err := errors.Join(<-updated, <-released); err != nil {
		t.Fatal(err)
	}
	for _, u := range users {
		if found, now, err := one.Find(ctx, ports.ByUser(u.ID())); err != nil || found[0].Status(now) != domain.Free {
			t.Errorf("user %v is not free after the release of its lease (%v)", u.ID(), err)
		}
	}
}

// A password that can't be opened affects only callers that name its user, and claims that find no other user.
func TestABadRowAffectsNoOtherUser(t *testing.T) {
	server := postgrestest.Shared(t)
	databaseURL := server.NewDatabase(t)
	store := open(t, databaseURL, newKeyRing(t))
	ids := addUsers(t, store, 6)
	slices.SortFunc(ids, func(a, b domain.UserID) int { return bytes.Compare(a[:], b[:]) })
	for _, id := range ids[:4] { // no user was ever held, so claims take these first
		server.Exec(t, databaseURL, fmt.Sprintf("UPDATE users SET password = 'x' WHERE user_id = '%v'", id))
	}
	ctx := context.Background()

	var held []domain.LeaseID
	for range 2 {
		lease, err := claim(ctx, store)
		if err != nil {
			t.Fatalf("other users are free, but the claim returns: %v", err)
		}
		held = append(held, lease)
	}
	if _, err := claim(ctx, store); !errors.Is(err, ports.ErrUnsealable) {
		t.Errorf("a claim that only the bad row could serve = %v, want %v", err, ports.ErrUnsealable)
	}
	if _, err := store.Update(ctx, ports.ByUser(ids[0]), grantTo(domain.NewLeaseID())); !errors.Is(err, ports.ErrUnsealable) {
		t.Errorf("an update of the bad row = %v, want %v", err, ports.ErrUnsealable)
	}
	for _, lease := range held {
		if err := release(ctx, store, lease); err != nil {
			t.Error(err)
		}
	}
}

// Users that another replica adds are handed out before users that were held, as soon as the search finds them.
func TestUsersOfAnotherReplicaAreFound(t *testing.T) {
	one, other, _ := twoReplicas(t, 2)
	ctx := context.Background()
	for range 3 {
		lease, err := claim(ctx, one)
		if err != nil {
			t.Fatal(err)
		}
		if err := release(ctx, one, lease); err != nil {
			t.Fatal(err)
		}
	}
	added := addUsers(t, other, 1)
	for deadline := time.Now().Add(time.Minute); ; {
		lease := domain.NewLeaseID()
		users, err := one.Claim(ctx, ports.Claim{Want: []domain.Selector{anyUser}, Decide: grantTo(lease)})
		if err != nil {
			t.Fatal(err)
		}
		if users[0].ID() == added[0] {
			return
		}
		if err := release(ctx, one, lease); err != nil {
			t.Fatal(err)
		}
		if time.Now().After(deadline) {
			t.Fatal("the search does not find a user that was never held")
		}
	}
}

// The last free user may be in front of the position where searches begin.
func TestTheOnlyFreeUserIsFoundAtAnyPosition(t *testing.T) {
	one, other, _ := twoReplicas(t, 2)
	ctx := context.Background()
	first, err := claim(ctx, one)
	if err != nil {
		t.Fatal(err)
	}
	if err := release(ctx, one, first); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := claim(ctx, one); err != nil {
			t.Fatal(err)
		}
	}
	addUsers(t, other, 1)
	if _, err := claim(ctx, one); err != nil {
		t.Errorf("a user is free, but the claim returns: %v", err)
	}
}
