package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/adapters/postgres/postgrestest"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/ledger"
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

// keyed returns a claim of any user with an idempotency key.
func keyed(t *testing.T, key string) ports.Claim {
	t.Helper()
	k, err := domain.NewIdempotencyKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return ports.Claim{
		Want: []domain.Selector{anyUser}, Wait: domain.MaxWait, Once: k.Once("acquire", "request", domain.NewNonce()),
		Decide: grantTo(domain.NewLeaseID()),
	}
}

// ask makes a claim in the background. It does not wait until the claim is in line.
func ask(ctx context.Context, store ports.Store, claim ports.Claim) <-chan error {
	answer := make(chan error, 1)
	go func() {
		_, err := store.Claim(ctx, claim)
		answer <- err
	}()
	return answer
}

// unanswered fails the test if a claim has an answer.
func unanswered(t *testing.T, what string, answer <-chan error) {
	t.Helper()
	select {
	case err := <-answer:
		t.Errorf("%s: %v", what, err)
	default:
	}
}

// The caller gave up on one replica, which goes on to wait for it, and asked another one. When the first wait ends, nobody
// overtakes the second.
func TestAClaimGetsThePlaceOfARepetitionThatEndsInAnotherReplica(t *testing.T) {
	t.Parallel()
	one, other, _ := twoReplicas(t, 1)
	ctx := context.Background()
	for i := range 10 {
		lease, err := claim(ctx, one)
		if err != nil {
			t.Fatal(err)
		}
		call := keyed(t, fmt.Sprint("key ", i))
		leaving, leave := context.WithCancel(ctx)
		first := ask(leaving, one, call)
		awaitWaiting(t, one, 1)
		leases := []domain.LeaseID{domain.NewLeaseID(), domain.NewLeaseID()}
		second := ask(ctx, []ports.Store{one, other}[i%2], ports.Claim{
			Want: []domain.Selector{anyUser}, Wait: domain.MaxWait, Decide: grantTo(leases[1]),
		})
		awaitWaiting(t, one, 2)
		call.Decide = grantTo(leases[0])
		again := ask(ctx, other, call)
		awaitWaiting(t, one, 3)
		leave()
		answered(t, "the claim whose caller left", first, context.Canceled)
		if err := release(ctx, one, lease); err != nil {
			t.Fatal(err)
		}
		answered(t, "the claim that asked again", again, nil)
		unanswered(t, "the second in line", second)
		if err := release(ctx, other, leases[0]); err != nil {
			t.Fatal(err)
		}
		answered(t, "the second in line", second, nil)
		if err := release(ctx, other, leases[1]); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAClaimKeepsThePlaceThatItHadInAReplicaThatStopped(t *testing.T) {
	t.Parallel()
	one, other, databaseURL := twoReplicas(t, 1)
	ctx := context.Background()
	lease, err := claim(ctx, one)
	if err != nil {
		t.Fatal(err)
	}
	stopping := open(t, databaseURL, newKeyRing(t))
	first := ask(ctx, stopping, keyed(t, "key"))
	awaitWaiting(t, one, 1)
	second := wait(t, other, 1)
	if err := stopping.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-first; err == nil {
		t.Fatal("a claim was served by a replica that stopped")
	}
	awaitWaiting(t, one, 1)
	again := ask(ctx, one, keyed(t, "key"))
	awaitWaiting(t, one, 2)
	if err := release(ctx, one, lease); err != nil {
		t.Fatal(err)
	}
	answered(t, "the claim that asks again", again, nil)
	unanswered(t, "the second in line", second)
}

// The claim waited in a replica that was killed, or it had left that replica already.
func TestAClaimKeepsThePlaceThatItHadInAReplicaThatDied(t *testing.T) {
	t.Parallel()
	for name, until := range map[string]string{"waiting": "6e7", "away": "-1e6"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := postgrestest.Shared(t)
			one, other, databaseURL := twoReplicas(t, 1)
			ctx := context.Background()
			lease, err := claim(ctx, one)
			if err != nil {
				t.Fatal(err)
			}
			call := keyed(t, "key")
			id := ledger.CallOf(&ledger.Claim{Want: call.Want, Once: call.Once})
			want, key := bunstore.EncodeWant(call.Want)
			server.Exec(t, databaseURL, fmt.Sprintf(`
				INSERT INTO replicas VALUES (7, extract(epoch FROM clock_timestamp()) * 1e6 - 6e6);
				INSERT INTO waiters (place, replica_id, want_key, want, since, until, call)
				VALUES (1, 7, %d, '%s', 0, extract(epoch FROM clock_timestamp()) * 1e6 + %s, '\x%x')`, key, want, until, id[:]))
			second := wait(t, other, 1)
			again := ask(ctx, one, call)
			awaitWaiting(t, one, 2)
			if err := release(ctx, one, lease); err != nil {
				t.Fatal(err)
			}
			answered(t, "the claim that asks again", again, nil)
			unanswered(t, "the second in line", second)
		})
	}
}

// A caller and a proxy may both repeat a call.
func TestRepetitionsInAllReplicasAtOnceGetOnePlaceAndOneLease(t *testing.T) {
	t.Parallel()
	one, other, databaseURL := twoReplicas(t, 1)
	ctx := context.Background()
	lease, err := claim(ctx, one)
	if err != nil {
		t.Fatal(err)
	}
	leaving, leave := context.WithCancel(ctx)
	first := ask(leaving, one, keyed(t, "key"))
	awaitWaiting(t, one, 1)
	second := wait(t, other, 1)
	leave()
	answered(t, "the claim whose caller left", first, context.Canceled)
	awaitWaiting(t, one, 1)

	replicas := []ports.Store{one, other, open(t, databaseURL, newKeyRing(t))}
	var repetitions []<-chan error
	for i := range 6 {
		repetitions = append(repetitions, ask(ctx, replicas[i%len(replicas)], keyed(t, "key")))
	}
	awaitWaiting(t, one, 7)
	if err := release(ctx, one, lease); err != nil {
		t.Fatal(err)
	}
	carriedOut := 0
	for _, repetition := range repetitions {
		err := <-repetition
		if _, repeated := errors.AsType[*domain.RepeatedError](err); err == nil {
			carriedOut++
		} else if !repeated {
			t.Errorf("a repetition: %v", err)
		}
	}
	if carriedOut != 1 {
		t.Errorf("the call was carried out %d times", carriedOut)
	}
	unanswered(t, "the second in line", second)
}

// A notification has room for few labels, and a replica that lost its connection gets none.
func TestAWaiterInAnotherReplicaIsRefusedWhateverItWasTold(t *testing.T) {
	t.Parallel()
	server := postgrestest.Shared(t)
	ctx := context.Background()
	many := make(domain.Labels)
	for i := range 30 {
		many[fmt.Sprintf("label-%d", i)] = strings.Repeat("\u00e9", 200)
	}
	for name, lost := range map[string]bool{"more labels than fit": false, "nothing, for its connection was lost": true} {
		one, other, databaseURL := twoReplicas(t, 0)
		now := time.Now().UTC().Truncate(time.Microsecond)
		user, err := domain.NewUser(domain.NewUserID(now), now, domain.Spec{
			Login: name, Password: domain.NewSecret(password), Pool: pool, Labels: many,
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := one.Add(ctx, domain.Once{}, user); err != nil {
			t.Fatal(err)
		}
		if _, err := claim(ctx, one); err != nil {
			t.Fatal(err)
		}
		waiter := wait(t, other, 1)
		if lost {
			server.Exec(t, databaseURL, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
				WHERE datname = current_database() AND query LIKE 'LISTEN %'`)
		}
		if err := one.Remove(ctx, user.ID(), func(time.Time, []*domain.User) error { return nil }); err != nil {
			t.Fatal(err)
		}
		answered(t, "the waiter that was told "+name, waiter, domain.ErrNoMatch)
	}
}
