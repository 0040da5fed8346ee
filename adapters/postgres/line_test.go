package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/userfarm/userfarm/adapters/postgres/postgrestest"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// answerTimeout is how long a test waits for an answer that is due at once. It is long because the machine may be busy.
const answerTimeout = 30 * time.Second

// wait starts a claim of n users, and returns when it waits in line.
func wait(t *testing.T, store ports.Store, n int) <-chan error {
	t.Helper()
	before := waiting(t, store)
	answer := make(chan error, 1)
	want := make([]domain.Selector, n)
	for i := range want {
		want[i] = anyUser
	}
	go func() {
		claim := ports.Claim{Want: want, Wait: domain.MaxWait, Decide: grantTo(domain.NewLeaseID())}
		_, err := store.Claim(context.Background(), claim)
		answer <- err
	}()
	for late := time.Now().Add(answerTimeout); waiting(t, store) == before; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(late) {
			t.Fatal("a claim is not in line")
		}
	}
	return answer
}

func waiting(t *testing.T, store ports.Store) int {
	t.Helper()
	counts, err := store.CountPools(context.Background(), domain.Scope{})
	if err != nil {
		t.Fatal(err)
	}
	return counts[0].Waiting
}

// answered fails the test unless the answer to the claim is want.
func answered(t *testing.T, what string, answer <-chan error, want error) {
	t.Helper()
	select {
	case err := <-answer:
		if !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", what, err, want)
		}
	case <-time.After(answerTimeout):
		t.Errorf("%s: no answer", what)
	}
}

func TestAWaiterOfAnotherReplicaIsServedInTurn(t *testing.T) {
	t.Parallel()
	one, other, _ := twoReplicas(t, 1)
	ctx := context.Background()
	lease, err := claim(ctx, one)
	if err != nil {
		t.Fatal(err)
	}
	first, second := wait(t, other, 1), wait(t, one, 1)
	if err := release(ctx, one, lease); err != nil {
		t.Fatal(err)
	}
	// A new claim is last in line. The first waiter is in another replica than the one that released the user.
	if _, err := claim(ctx, one); !errors.Is(err, domain.ErrPoolExhausted) {
		t.Errorf("a claim that is served before a waiter: %v", err)
	}
	answered(t, "the first in line", first, nil)
	select {
	case err := <-second:
		t.Errorf("the second in line: %v", err)
	default:
	}
}

func TestUsersStayReservedForABatchOverAllReplicas(t *testing.T) {
	t.Parallel()
	one, other, _ := twoReplicas(t, 2)
	ctx := context.Background()
	leases := make([]domain.LeaseID, 2)
	for i := range leases {
		var err error
		if leases[i], err = claim(ctx, one); err != nil {
			t.Fatal(err)
		}
	}
	batch, single := wait(t, one, 2), wait(t, other, 1)
	if err := release(ctx, other, leases[0]); err != nil {
		t.Fatal(err)
	}
	if _, err := claim(ctx, other); !errors.Is(err, domain.ErrPoolExhausted) {
		t.Errorf("a claim of the user that is reserved for the batch: %v", err)
	}
	if err := release(ctx, other, leases[1]); err != nil {
		t.Fatal(err)
	}
	answered(t, "the batch", batch, nil)
	select {
	case err := <-single:
		t.Errorf("the claim after the batch: %v", err)
	default:
	}
}

// A killed replica leaves its waiters in the table, and does not report anymore that it is alive.
func TestTheWaitersOfADeadReplicaAreRemoved(t *testing.T) {
	t.Parallel()
	server := postgrestest.Shared(t)
	databaseURL := server.NewDatabase(t)
	store := open(t, databaseURL, newKeyRing(t))
	addUsers(t, store, 1)
	server.Exec(t, databaseURL, `
		INSERT INTO replicas VALUES (7, extract(epoch FROM clock_timestamp()) * 1e6 - 6e6);
		INSERT INTO waiters (place, replica_id, want_key, want, since, until)
		VALUES (1, 7, 1, '[{}]', 0, extract(epoch FROM clock_timestamp()) * 1e6 + 6e7)`)
	if _, err := claim(context.Background(), store); err != nil {
		t.Errorf("a claim behind a dead replica's: %v", err)
	}
	if n := waiting(t, store); n != 0 {
		t.Errorf("%d claims wait, want none", n)
	}
}

func TestAWaiterIsAnsweredWhenTheServerIsDown(t *testing.T) {
	t.Parallel()
	server := postgrestest.Start(t)
	store := open(t, server.NewDatabase(t), newKeyRing(t))
	addUsers(t, store, 1)
	ctx := context.Background()
	if _, err := claim(ctx, store); err != nil {
		t.Fatal(err)
	}
	answer := wait(t, store, 1)
	server.Stop()
	answered(t, "the waiter", answer, ports.ErrUnavailable)
}

func TestAWaiterKeepsWaitingWhenTheServerRestarts(t *testing.T) {
	t.Parallel()
	server := postgrestest.Start(t)
	store := open(t, server.NewDatabase(t), newKeyRing(t))
	addUsers(t, store, 1)
	ctx := context.Background()
	lease, err := claim(ctx, store)
	if err != nil {
		t.Fatal(err)
	}
	answer := wait(t, store, 1)
	server.Crash()
	server.Resume(t)
	if err := release(ctx, store, lease); err != nil {
		t.Fatal(err)
	}
	answered(t, "the waiter", answer, nil)
}

func TestAClaimKeepsItsPlaceInAnotherReplica(t *testing.T) {
	t.Parallel()
	one, other, _ := twoReplicas(t, 1)
	ctx := context.Background()
	lease, err := claim(ctx, one)
	if err != nil {
		t.Fatal(err)
	}
	key, err := domain.NewIdempotencyKey("key")
	if err != nil {
		t.Fatal(err)
	}
	once := key.Once("acquire", "request", domain.NewNonce())
	patient := ports.Claim{Want: []domain.Selector{anyUser}, Wait: domain.MaxWait, Once: once, Decide: grantTo(domain.NewLeaseID())}
	leaving, leave := context.WithCancel(ctx)
	left := make(chan error, 1)
	go func() {
		_, err := one.Claim(leaving, patient)
		left <- err
	}()
	awaitWaiting(t, one, 1)
	second := wait(t, other, 1)
	leave()
	answered(t, "the claim whose caller left", left, context.Canceled)
	awaitWaiting(t, one, 1)

	again := make(chan error, 1)
	go func() {
		_, err := other.Claim(ctx, patient)
		again <- err
	}()
	awaitWaiting(t, one, 2)
	if err := release(ctx, one, lease); err != nil {
		t.Fatal(err)
	}
	answered(t, "the claim that asks again", again, nil)
	select {
	case err := <-second:
		t.Errorf("the second in line: %v", err)
	default:
	}
}

// awaitWaiting returns when n claims stand in line.
func awaitWaiting(t *testing.T, store ports.Store, n int) {
	t.Helper()
	for late := time.Now().Add(answerTimeout); waiting(t, store) != n; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(late) {
			t.Fatalf("%d claims stand in line, want %d", waiting(t, store), n)
		}
	}
}

func TestAWaiterInAnotherReplicaIsRefusedWhenItsUserIsRemoved(t *testing.T) {
	t.Parallel()
	one, other, _ := twoReplicas(t, 1)
	ctx := context.Background()
	if _, err := claim(ctx, one); err != nil {
		t.Fatal(err)
	}
	waiter := wait(t, other, 1)
	page, err := one.List(ctx, ports.Query{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := one.Remove(ctx, page.Users[0].ID(), func(time.Time, []*domain.User) error { return nil }); err != nil {
		t.Fatal(err)
	}
	answered(t, "the waiter", waiter, domain.ErrNoMatch)
}

// A repetition that comes while another replica carries out the call must not be refused because the users are locked then.
func TestARepeatedCallInAnotherReplicaIsNeverRefused(t *testing.T) {
	t.Parallel()
	one, other, _ := twoReplicas(t, 1)
	ctx := context.Background()
	for i := range 150 {
		key, err := domain.NewIdempotencyKey(fmt.Sprint("key ", i))
		if err != nil {
			t.Fatal(err)
		}
		lease := domain.NewLeaseID()
		first := make(chan error, 1)
		attempt := func(store ports.Store) error {
			_, err := store.Claim(ctx, ports.Claim{
				Want: []domain.Selector{anyUser}, Once: key.Once("acquire", "request", domain.NewNonce()), Decide: grantTo(lease),
			})
			return err
		}
		go func() { first <- attempt(one) }()
		time.Sleep(time.Duration(i%6) * time.Millisecond / 2)
		errs := []error{attempt(other), <-first}
		carriedOut := 0
		for _, err := range errs {
			if _, repeated := errors.AsType[*domain.RepeatedError](err); err == nil {
				carriedOut++
			} else if !repeated {
				t.Errorf("attempt %d: %v", i, err)
			}
		}
		if carriedOut != 1 {
			t.Errorf("call %d was carried out %d times", i, carriedOut)
		}
		if err := release(ctx, one, lease); err != nil {
			t.Fatal(err)
		}
	}
}
