package postgres_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/adapters/postgres/postgrestest"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
	"github.com/userfarm/userfarm/ports/portstest"
)

// Replicas that hand the same users to each other all the time still write one history.
func TestTheHistoryOfThreeReplicasTellsOfOneHoldAtATime(t *testing.T) {
	t.Parallel()
	const users, claimers, rounds = 20, 60, 50
	databaseURL := postgrestest.Shared(t).NewDatabase(t)
	var replicas []*bunstore.Store
	for range 3 {
		replicas = append(replicas, open(t, databaseURL, newKeyRing(t)))
	}
	addUsers(t, replicas[0], users)
	ctx := context.Background()
	errs := make([]error, claimers)
	var claiming sync.WaitGroup
	for i := range claimers {
		claiming.Go(func() {
			for round := range rounds {
				lease := domain.NewLeaseID()
				_, err := replicas[i%len(replicas)].Claim(ctx, ports.Claim{
					Want: []domain.Selector{anyUser}, Wait: time.Minute, Decide: grantTo(lease),
				})
				if err == nil {
					err = release(ctx, replicas[(i+round)%len(replicas)], lease)
				}
				errs[i] = errors.Join(errs[i], err)
			}
		})
	}
	claiming.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	history := historyOf(ctx, t, replicas[0])
	if want := users + 2*claimers*rounds; len(history) != want {
		t.Errorf("%d events, want %d", len(history), want)
	}
	if err := portstest.CheckHolds(history); err != nil {
		t.Error(err)
	}
}

// historyOf returns all events, as soon as the last of them is shown.
func historyOf(ctx context.Context, t *testing.T, store ports.History) (all []domain.Event) {
	t.Helper()
	for q := (ports.EventQuery{Limit: 1000}); ; {
		page, err := store.Events(ctx, q)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Events {
			all = append(all, e.Event)
		}
		if q.After = page.Next; q.After == 0 {
			return all
		}
	}
}
