package postgres_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/userfarm/userfarm/adapters/postgres/postgrestest"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// errNoClaim makes decide refuse, so that the rival releases its user.
var errNoClaim = errors.New("the rival does not claim")

// rival is a claim on another store. It keeps the row of a user locked until the test sends it a decision.
type rival struct {
	decision chan<- error
	claimed  <-chan error
}

func newRival(t *testing.T, store ports.Store) rival {
	t.Helper()
	deciding, decision, claimed := make(chan struct{}), make(chan error), make(chan error, 1)
	go func() {
		_, err := store.Claim(context.Background(), ports.Claim{Want: []domain.Selector{anyUser}, Decide: func(now time.Time, users []*domain.User) error {
			close(deciding)
			if err := <-decision; err != nil {
				return err
			}
			return grantTo(domain.NewLeaseID())(now, users)
		}})

		claimed <- err
	}()
	<-deciding
	return rival{decision: decision, claimed: claimed}
}

// twoReplicas opens two stores on one new database with n users.
func twoReplicas(t *testing.T, n int) (one, other ports.Store, databaseURL string) {
	t.Helper()
	databaseURL = postgrestest.Shared(t).NewDatabase(t)
	one, other = open(t, databaseURL, newKeyRing(t)), open(t, databaseURL, newKeyRing(t))
	addUsers(t, one, n)
	return one, other, databaseURL
}

// startClaim starts a claim in the background, and returns when the claim waits for a row.
func startClaim(ctx context.Context, t *testing.T, store ports.Store, databaseURL string) <-chan error {
	t.Helper()
	claimed := make(chan error, 1)
	go func() {
		_, err := claim(ctx, store)
		claimed <- err
	}()
	awaitLockWait(t, databaseURL, claimed)
	return claimed
}

// awaitLockWait returns when a session waits for a lock in the database. It fails the test if done returns before that.
func awaitLockWait(t *testing.T, databaseURL string, done <-chan error) {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	for waiting := 0; waiting == 0; {
		err := conn.QueryRow(ctx, `SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&waiting)
		if err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-done:
			t.Fatalf("the call ended without waiting for a lock: %v", err)
		default:
		}
	}
}

func TestAClaimGetsTheUserThatARivalReleased(t *testing.T) {
	one, other, databaseURL := twoReplicas(t, 1)
	rival := newRival(t, other)

	claimed := startClaim(context.Background(), t, one, databaseURL)
	rival.decision <- errNoClaim

	if err := <-rival.claimed; !errors.Is(err, errNoClaim) {
		t.Errorf("the rival's claim: %v", err)
	}
	if err := <-claimed; err != nil {
		t.Errorf("the only user is free again, but the claim returns: %v", err)
	}
}

func TestAClaimIsRefusedIfARivalTookTheLastUser(t *testing.T) {
	one, other, databaseURL := twoReplicas(t, 1)
	rival := newRival(t, other)

	claimed := startClaim(context.Background(), t, one, databaseURL)
	rival.decision <- nil

	if err := <-rival.claimed; err != nil {
		t.Errorf("the rival's claim: %v", err)
	}
	if err := <-claimed; !errors.Is(err, domain.ErrPoolExhausted) {
		t.Errorf("got %v, want %v", err, domain.ErrPoolExhausted)
	}
}

func TestAClaimDoesNotWaitWhileOtherUsersAreFree(t *testing.T) {
	one, other, _ := twoReplicas(t, 2)
	rival := newRival(t, other)

	if _, err := claim(context.Background(), one); err != nil {
		t.Errorf("one user is left, but the claim returns: %v", err)
	}

	rival.decision <- nil
	if err := <-rival.claimed; err != nil {
		t.Errorf("the rival's claim: %v", err)
	}
}

// Two replicas claim overlapping sets of a small pool, so that claims take every code path.
func TestReplicasNeverShareAUser(t *testing.T) {
	const workers, rounds, users = 8, 25, 5
	one, other, _ := twoReplicas(t, users)
	ctx := context.Background()

	var mu sync.Mutex
	holders := make(map[domain.UserID]bool)
	mark := func(users []*domain.User, held bool) {
		mu.Lock()
		defer mu.Unlock()
		for _, u := range users {
			if holders[u.ID()] == held {
				t.Errorf("user %v is handed out while it is held", u.ID())
			}
			holders[u.ID()] = held
		}
	}

	var running sync.WaitGroup
	for worker := range workers {
		store := []ports.Store{one, other}[worker%2]
		running.Go(func() {
			for round := range rounds {
				want := []domain.Selector{anyUser, {Env: pool.Env}, {Domain: pool.Domain}}[:1+(worker+round)%3]
				lease := domain.NewLeaseID()
				users, err := store.Claim(ctx, ports.Claim{Want: want, Decide: grantTo(lease)})
				if errors.Is(err, domain.ErrPoolExhausted) {
					continue
				}
				if err != nil {
					t.Errorf("claim: %v", err)
					return
				}
				mark(users, true)
				mark(users, false)
				if err := release(ctx, store, lease); err != nil {
					t.Errorf("release: %v", err)
					return
				}
			}
		})
	}
	running.Wait()
}

func TestAClaimIsRefusedIfARivalTransactionDoesNotEnd(t *testing.T) {
	one, other, databaseURL := twoReplicas(t, 1)
	rival := newRival(t, one)
	claimed := startClaim(context.Background(), t, other, databaseURL)
	if err := <-claimed; !errors.Is(err, domain.ErrPoolExhausted) || errors.Is(err, ports.ErrUnavailable) {
		t.Errorf("claim: %v, want %v: the database answers", err, domain.ErrPoolExhausted)
	}
	rival.decision <- errNoClaim
	<-rival.claimed
}

// More operations wait for the row of a paused rival than may at a time. What needs other rows goes on, and callers that leave are
// answered at once.
func TestOperationsThatWaitForARivalDoNotHoldUpOthers(t *testing.T) {
	t.Parallel()
	nothing := func(time.Time, []*domain.User) error { return nil }
	for name, operation := range map[string]func(context.Context, ports.Store, domain.UserID) error{
		"updates": func(ctx context.Context, store ports.Store, id domain.UserID) error {
			_, err := store.Update(ctx, ports.ByUser(id), nothing)
			return err
		},
		"removals": func(ctx context.Context, store ports.Store, id domain.UserID) error {
			return store.Remove(ctx, id, nothing)
		},
		"claims": func(ctx context.Context, store ports.Store, id domain.UserID) error {
			_, err := store.Claim(ctx, ports.Claim{Want: []domain.Selector{{UserID: id}}, Wait: domain.MaxWait, Decide: grantTo(domain.NewLeaseID())})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			one, other, databaseURL := twoReplicas(t, 4)
			ctx, leave := context.WithCancel(context.Background())
			page, err := one.List(ctx, ports.Query{Limit: 4})
			if err != nil {
				t.Fatal(err)
			}
			kept, free := page.Users[0].ID(), page.Users[1:]
			rival := newRival(t, other)
			var answers []<-chan error
			for range 40 {
				answer := make(chan error, 1)
				go func() { answer <- operation(ctx, one, kept) }()
				answers = append(answers, answer)
			}
			awaitLockWait(t, databaseURL, nil)

			for what, work := range map[string]func() error{
				"a removal":    func() error { return one.Remove(context.Background(), free[0].ID(), nothing) },
				"an update":    func() error { return operationOn(one, free[1].ID()) },
				"an addition":  func() error { return one.Add(context.Background(), domain.Once{}, newUsers(t, 1, 2)...) },
				"a count":      func() error { _, err := one.CountPools(context.Background(), domain.Scope{}); return err },
				"the line":     func() error { _, _, err := one.Line(context.Background(), domain.Scope{}, 10); return err },
				"the holders":  func() error { _, _, err := one.Holders(context.Background(), anyUser, 10); return err },
				"a ping":       func() error { return one.Ping(context.Background()) },
				"housekeeping": func() error { _, err := one.EndExpired(context.Background()); return err },
			} {
				if err := work(); err != nil {
					t.Errorf("%s: %v", what, err)
				}
			}
			leave()
			for _, answer := range answers {
				answered(t, "a caller that left", answer, context.Canceled)
			}
			if err := operationOn(one, free[2].ID()); err != nil {
				t.Errorf("an update once the callers have left: %v", err)
			}
			rival.decision <- errNoClaim
			<-rival.claimed
		})
	}
}

// operationOn updates a user, which changes nothing.
func operationOn(store ports.Store, id domain.UserID) error {
	_, err := store.Update(context.Background(), ports.ByUser(id), func(time.Time, []*domain.User) error { return nil })
	return err
}
