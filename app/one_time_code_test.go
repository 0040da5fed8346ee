package app_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/userfarm/userfarm/adapters/memory"
	"github.com/userfarm/userfarm/app"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

const period = 30 * time.Second // a synctest bubble begins at the start of a period

func testTOTP(t *testing.T) domain.TOTP {
	t.Helper()
	totp, err := domain.ParseTOTP("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
	if err != nil {
		t.Fatal(err)
	}
	return totp
}

// newLogin acquires a lease of two users: the first one has a second factor, the second one has none.
func newLogin(t *testing.T) (*app.Farm, domain.Lease) {
	t.Helper()
	farm := newFarm(t)
	return farm, acquireLogin(t, farm)
}

func acquireLogin(t *testing.T, farm *app.Farm) domain.Lease {
	t.Helper()
	ann := spec("ann")
	ann.TOTP = testTOTP(t)
	view, err := farm.CreateUser(t.Context(), ann, noKey)
	if err != nil || !view.HasTOTP {
		t.Fatalf("create = %+v, %v", view, err)
	}
	bob := create(t, farm, "bob")
	return acquire(t, farm, []domain.Selector{{UserID: view.ID}, {UserID: bob}}, domain.Terms{})
}

func TestACodeIsReturnedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		farm, lease := newLogin(t)
		time.Sleep(10 * time.Second)
		first, err := farm.OneTimeCode(t.Context(), lease.ID, lease.Users[0].ID, domain.CodeTerms{})
		if err != nil || first.Remaining != 20*time.Second || !first.ExpiresAt.Equal(time.Now().Add(20*time.Second)) {
			t.Errorf("code = %+v, %v", first, err)
		}
		_, err = farm.OneTimeCode(t.Context(), lease.ID, lease.Users[0].ID, domain.CodeTerms{})
		if used, ok := errors.AsType[*domain.NextCodeError](err); !ok || used.Wait != 20*time.Second {
			t.Errorf("once more = %v", err)
		}
		time.Sleep(20 * time.Second)
		second, err := farm.OneTimeCode(t.Context(), lease.ID, lease.Users[0].ID, domain.CodeTerms{})
		if err != nil || second.Code == first.Code || second.Remaining != period {
			t.Errorf("the next code = %+v, %v", second, err)
		}
	})
}

func TestAWaitingCallerGetsTheNextCode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		farm, lease := newLogin(t)
		time.Sleep(10 * time.Second)
		began := time.Now()
		ask := func(wait time.Duration) error {
			_, err := farm.OneTimeCode(t.Context(), lease.ID, lease.Users[0].ID, domain.CodeTerms{Wait: wait})
			return err
		}
		if err := ask(time.Minute); err != nil || !time.Now().Equal(began) {
			t.Errorf("the first code = %v after %v", err, time.Since(began))
		}
		if err := ask(20*time.Second - time.Microsecond); !errors.Is(err, domain.ErrCodeUsed) || !time.Now().Equal(began) {
			t.Errorf("a wait that is too short for the next code: %v after %v", err, time.Since(began))
		}
		if err := ask(20 * time.Second); err != nil || time.Since(began) != 20*time.Second {
			t.Errorf("the second code = %v after %v", err, time.Since(began))
		}
	})
}

func TestWaitingCallersGetOneCodeEach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		farm, lease := newLogin(t)
		began := time.Now()
		codes := make(chan domain.OneTimeCode, 4)
		for range cap(codes) {
			go func() {
				code, err := farm.OneTimeCode(t.Context(), lease.ID, lease.Users[0].ID, domain.CodeTerms{Wait: domain.MaxWait})
				if used, ok := errors.AsType[*domain.NextCodeError](err); err != nil && (!ok || used.Wait != period || time.Since(began) != domain.MaxWait) {
					t.Errorf("a code = %v after %v", err, time.Since(began))
				}
				codes <- code
			}()
		}
		time.Sleep(domain.MaxWait)
		synctest.Wait()
		got := make(map[domain.Secret]int)
		for range cap(codes) {
			got[(<-codes).Code]++
		}
		if len(got) != 4 || got[domain.Secret{}] != 1 {
			t.Errorf("there are %d answers, %d of them without a code; want three codes and one without", len(got), got[domain.Secret{}])
		}
	})
}

func TestACallerThatLeavesDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		farm, lease := newLogin(t)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		for _, want := range []error{nil, context.DeadlineExceeded} {
			if _, err := farm.OneTimeCode(ctx, lease.ID, lease.Users[0].ID, domain.CodeTerms{Wait: time.Minute}); !errors.Is(err, want) {
				t.Errorf("code = %v, want %v", err, want)
			}
		}
		if waited := time.Since(began); waited != time.Second {
			t.Errorf("the caller waited for %v", waited)
		}
	})
}

func TestAWaitForACodeEndsWhenTheLeaseIsOver(t *testing.T) {
	const since = 5300 * time.Millisecond // until it is over
	release := func(farm *app.Farm, lease domain.Lease) error { return farm.Release(t.Context(), lease.ID) }
	force := func(farm *app.Farm, lease domain.Lease) error {
		_, err := farm.ForceRelease(t.Context(), lease.Users[1].ID, 0, "")
		return err
	}
	for name, test := range map[string]struct {
		ttl       time.Duration
		end       func(*app.Farm, domain.Lease) error
		elsewhere bool
		noticed   time.Duration // after the end
	}{
		"it is released":                   {ttl: time.Hour, end: release},
		"it is ended by force":             {ttl: time.Hour, end: force},
		"another replica releases it":      {ttl: time.Hour, end: release, elsewhere: true, noticed: 700 * time.Millisecond},
		"another replica ends it by force": {ttl: time.Hour, end: force, elsewhere: true, noticed: 700 * time.Millisecond},
		"it expires":                       {ttl: since, end: func(*app.Farm, domain.Lease) error { return nil }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := memory.New()
				farm := mustNew(store, settings)
				lease := acquireLogin(t, farm)
				if _, err := farm.Renew(t.Context(), lease.ID, test.ttl); err != nil {
					t.Fatal(err)
				}
				if err := wantCode(t, farm, lease, 0); err != nil {
					t.Fatal(err)
				}
				for range 3 {
					go func() {
						err := wantCode(t, farm, lease, time.Minute)
						if passed := time.Since(lease.AcquiredAt); !errors.Is(err, domain.ErrLeaseExpired) || passed != since+test.noticed {
							t.Errorf("%v after %v, want that the lease is over after %v", err, passed, since+test.noticed)
						}
					}()
				}
				time.Sleep(since)
				ender := farm
				if test.elsewhere {
					ender = mustNew(store, settings)
				}
				if err := test.end(ender, lease); err != nil {
					t.Error(err)
				}
				time.Sleep(time.Minute)
			})
		})
	}
}

// wantCode requests a code of the first user of a lease.
func wantCode(t *testing.T, farm *app.Farm, lease domain.Lease, wait time.Duration) error {
	t.Helper()
	_, err := farm.OneTimeCode(t.Context(), lease.ID, lease.Users[0].ID, domain.CodeTerms{Wait: wait})
	return err
}

func TestAWaitForACodeGoesOnWhenTheLeaseIsRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		farm, lease := newLogin(t)
		if _, err := farm.Renew(t.Context(), lease.ID, 2*time.Second); err != nil {
			t.Fatal(err)
		}
		if err := wantCode(t, farm, lease, 0); err != nil {
			t.Fatal(err)
		}
		go func() {
			for range 20 {
				time.Sleep(1900 * time.Millisecond)
				if _, err := farm.Renew(t.Context(), lease.ID, 2*time.Second); err != nil {
					t.Error(err)
				}
			}
		}()
		if err := wantCode(t, farm, lease, time.Minute); err != nil || time.Since(lease.AcquiredAt) != period {
			t.Errorf("%v after %v", err, time.Since(lease.AcquiredAt))
		}
		time.Sleep(time.Minute)
	})
}

// awayStore is a store that is away at times.
type awayStore struct {
	ports.Store
	away atomic.Bool
	read atomic.Int32 // how often it was asked for users while it was away
}

// Find implements [ports.Users].
func (s *awayStore) Find(ctx context.Context, target ports.Target) ([]*domain.User, time.Time, error) {
	if s.away.Load() {
		s.read.Add(1)
		return nil, time.Time{}, ports.ErrUnavailable
	}
	return s.Store.Find(ctx, target)
}

func TestAWaitForACodeGoesOnWhileTheStoreIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &awayStore{Store: memory.New()}
		farm := mustNew(store, settings)
		lease := acquireLogin(t, farm)
		if err := wantCode(t, farm, lease, 0); err != nil {
			t.Fatal(err)
		}
		go func() {
			time.Sleep(time.Second / 2)
			store.away.Store(true)
			time.Sleep(20 * time.Second)
			store.away.Store(false)
		}()
		if err := wantCode(t, farm, lease, time.Minute); err != nil || time.Since(lease.AcquiredAt) != period {
			t.Errorf("%v after %v", err, time.Since(lease.AcquiredAt))
		}
		if read := store.read.Load(); read != 20 {
			t.Errorf("it was asked %d times in 20 seconds", read)
		}
	})
}

func TestALeaseThatEndsWhileTheStoreIsAwayIsNoticedLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &awayStore{Store: memory.New()}
		farm := mustNew(store, settings)
		lease := acquireLogin(t, farm)
		if err := wantCode(t, farm, lease, 0); err != nil {
			t.Fatal(err)
		}
		go func() {
			time.Sleep(time.Second / 2)
			store.away.Store(true)
			if err := farm.Release(t.Context(), lease.ID); err != nil {
				t.Error(err)
			}
			time.Sleep(5200 * time.Millisecond)
			store.away.Store(false)
		}()
		if err := wantCode(t, farm, lease, time.Minute); !errors.Is(err, domain.ErrLeaseExpired) || time.Since(lease.AcquiredAt) != 6500*time.Millisecond {
			t.Errorf("%v after %v", err, time.Since(lease.AcquiredAt))
		}
		if read := store.read.Load(); read > 6 {
			t.Errorf("it was asked %d times in 5 seconds", read)
		}
	})
}

func TestACallerWaitsForACodeThatIsValidForLongEnough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		farm, lease := newLogin(t)
		time.Sleep(21 * time.Second)
		for _, test := range []struct {
			terms  domain.CodeTerms
			want   error
			passed time.Duration
		}{
			{domain.CodeTerms{MinRemaining: 10 * time.Second, Wait: 8 * time.Second}, domain.ErrCodeExpiring, 21 * time.Second},
			{domain.CodeTerms{MinRemaining: 31 * time.Second, Wait: time.Minute}, domain.ErrInvalid, 21 * time.Second},
			{domain.CodeTerms{MinRemaining: 10 * time.Second, Wait: 9 * time.Second}, nil, period},
			{domain.CodeTerms{MinRemaining: period, Wait: time.Minute}, nil, 2 * period},
		} {
			_, err := farm.OneTimeCode(t.Context(), lease.ID, lease.Users[0].ID, test.terms)
			if passed := time.Since(lease.AcquiredAt); !errors.Is(err, test.want) || passed != test.passed {
				t.Errorf("%+v: %v after %v", test.terms, err, passed)
			}
		}
		_, err := farm.OneTimeCode(t.Context(), lease.ID, lease.Users[0].ID, domain.CodeTerms{MinRemaining: -1})
		wantFields(t, err, "/min_remaining_seconds")
	})
}

func TestARequestForACodeFailsWithTheReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		farm, lease := newLogin(t)
		outside := create(t, farm, "carol")
		for name, c := range map[string]struct {
			lease domain.LeaseID
			user  domain.UserID
			want  error
		}{
			"a user without a second factor":  {lease.ID, lease.Users[1].ID, domain.ErrNoTOTP},
			"a user that is not in the lease": {lease.ID, outside, domain.ErrUserNotFound},
			"an unknown user":                 {lease.ID, domain.UserID{9}, domain.ErrUserNotFound},
			"an unknown lease":                {domain.NewLeaseID(), lease.Users[0].ID, domain.ErrLeaseNotFound},
		} {
			if _, err := farm.OneTimeCode(t.Context(), c.lease, c.user, domain.CodeTerms{Wait: time.Minute}); !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %v", name, err, c.want)
			}
		}
		for _, wait := range []time.Duration{-time.Second, domain.MaxWait + time.Second} {
			_, err := farm.OneTimeCode(t.Context(), lease.ID, lease.Users[0].ID, domain.CodeTerms{Wait: wait})
			wantFields(t, err, "/wait_seconds")
		}
		time.Sleep(settings.Leases.DefaultTTL)
		if _, err := farm.OneTimeCode(t.Context(), lease.ID, lease.Users[0].ID, domain.CodeTerms{}); !errors.Is(err, domain.ErrLeaseExpired) {
			t.Errorf("after the lease has expired: %v", err)
		}
	})
}
