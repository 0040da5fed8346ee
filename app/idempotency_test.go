package app_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/userfarm/userfarm/adapters/memory"
	"github.com/userfarm/userfarm/app"
	"github.com/userfarm/userfarm/domain"
)

func TestAnAcquireWithAKeyHappensOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		farm := newFarm(t, "ann", "bob")
		retry, terms := newKey(t, "job 1"), domain.Terms{Owner: "ci-1", TTL: time.Minute}
		lease, err := farm.Acquire(t.Context(), anyone, terms, retry)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		again, err := farm.Acquire(t.Context(), anyone, terms, retry)
		if err != nil || again.ID != lease.ID || again.ExpiresAt != lease.ExpiresAt {
			t.Errorf("the same call again = %+v, %v; want the same lease", again, err)
		}
		if got, want := again.Users[0], lease.Users[0]; got.ID != want.ID || got.Fence != want.Fence || got.Password.Reveal() != "pw-"+want.Login {
			t.Errorf("its user = %+v, want %+v", got, want)
		}

		if _, err := farm.Acquire(t.Context(), append(anyone, anyone...), terms, retry); !errors.Is(err, domain.ErrIdempotencyMismatch) {
			t.Errorf("for other users = %v", err)
		}
		if _, err := farm.Acquire(t.Context(), anyone, domain.Terms{Owner: "ci-2", TTL: time.Minute}, retry); !errors.Is(err, domain.ErrIdempotencyMismatch) {
			t.Errorf("on other terms = %v", err)
		}
		other, err := farm.Acquire(t.Context(), anyone, terms, newKey(t, "job 2"))
		if err != nil || other.ID == lease.ID || other.Users[0].ID == lease.Users[0].ID {
			t.Errorf("with another key = %+v, %v; want another lease", other, err)
		}

		if err := farm.Release(t.Context(), lease.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := farm.Acquire(t.Context(), anyone, terms, retry); !errors.Is(err, domain.ErrLeaseExpired) {
			t.Errorf("after the release = %v", err)
		}

		time.Sleep(domain.IdempotencyWindow)
		if later, err := farm.Acquire(t.Context(), anyone, terms, retry); err != nil || later.ID == lease.ID {
			t.Errorf("a day later = %v, want a new lease", err)
		}
	})
}

func TestARefusedAcquireMayBeRetriedWithItsKey(t *testing.T) {
	farm := newFarm(t)
	retry := newKey(t, "job")
	if _, err := farm.Acquire(t.Context(), anyone, domain.Terms{}, retry); !errors.Is(err, domain.ErrNoMatch) {
		t.Errorf("acquire = %v", err)
	}
	create(t, farm, "ann")
	if _, err := farm.Acquire(t.Context(), anyone, domain.Terms{}, retry); err != nil {
		t.Errorf("once there is a user = %v", err)
	}
}

func TestTwoWaitingAcquiresWithOneKeyAreOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		farm := newFarm(t, "ann", "bob")
		held := acquire(t, farm, append(anyone, anyone...), domain.Terms{})
		retry, terms := newKey(t, "job"), domain.Terms{Wait: time.Minute}
		leases := make(chan domain.Lease, 2)
		for range 2 {
			go func() {
				lease, err := farm.Acquire(t.Context(), anyone, terms, retry)
				if err != nil {
					t.Error(err)
				}
				leases <- lease
			}()
		}
		synctest.Wait()
		if err := farm.Release(t.Context(), held.ID); err != nil {
			t.Fatal(err)
		}
		if a, b := <-leases, <-leases; a.ID != b.ID {
			t.Error("the two acquires got different leases")
		}
		if pools, err := farm.Pools(t.Context()); err != nil || pools[0].Free != 1 || pools[0].Waiting != 0 {
			t.Errorf("pools = %+v, %v; want one free user and no waiter", pools, err)
		}
	})
}

func TestAUserIsCreatedOnceWithAKey(t *testing.T) {
	farm := newFarm(t)
	retry := newKey(t, "import 1")
	view, err := farm.CreateUser(t.Context(), spec("ann"), retry)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := farm.Quarantine(t.Context(), view.ID, "locked out"); err != nil {
		t.Fatal(err)
	}
	again, err := farm.CreateUser(t.Context(), spec("ann"), retry)
	if err != nil || again.ID != view.ID || again.Status != domain.Quarantined {
		t.Errorf("the same call again = %+v, %v; want the user as it is now", again, err)
	}
	changed := spec("ann")
	changed.Password = domain.NewSecret("another")
	if _, err := farm.CreateUser(t.Context(), changed, retry); !errors.Is(err, domain.ErrIdempotencyMismatch) {
		t.Errorf("with another password = %v", err)
	}
	reasoned := spec("ann")
	reasoned.Reason = "for another test"
	if _, err := farm.CreateUser(t.Context(), reasoned, retry); !errors.Is(err, domain.ErrIdempotencyMismatch) {
		t.Errorf("with another reason = %v: the history would not have it", err)
	}
	if _, err := farm.CreateUser(t.Context(), spec("ann"), newKey(t, "import 2")); !errors.Is(err, domain.ErrUserExists) {
		t.Errorf("with another key = %v", err)
	}
	if _, err := farm.Acquire(t.Context(), anyone, domain.Terms{}, retry); !errors.Is(err, domain.ErrPoolExhausted) {
		t.Errorf("an acquire with the key of a create = %v: a key names one call of each operation", err)
	}
}

func TestARepetitionDoesNotDependOnSettings(t *testing.T) {
	store := memory.New()
	retry := newKey(t, "job")
	create(t, mustNew(store, settings), "ann")
	lease, err := mustNew(store, settings).Acquire(t.Context(), anyone, domain.Terms{}, retry)
	if err != nil {
		t.Fatal(err)
	}
	changed := app.Settings{Leases: domain.LeasePolicy{DefaultTTL: time.Minute, LongestTTL: time.Hour, QuarantineOnExpiry: true}}
	again, err := mustNew(store, changed).Acquire(t.Context(), anyone, domain.Terms{}, retry)
	if err != nil || again.ID != lease.ID {
		t.Errorf("after a restart with other settings = %+v, %v; want the same lease", again, err)
	}
}

func TestTheStoredRequestDoesNotRevealSecrets(t *testing.T) {
	store := &claims{Store: memory.New()}
	farm, retry := mustNew(store, settings), newKey(t, "job")
	create := func(spec domain.Spec) string {
		_, _ = farm.CreateUser(t.Context(), spec, retry)
		return fmt.Sprintf("%x", store.added.Request)
	}
	secrets := spec("ann")
	secrets.Password, secrets.TOTP = domain.NewSecret("another"), testTOTP(t)
	if create(secrets) != create(spec("ann")) {
		t.Error("the stored request depends on the secrets")
	}
}

func TestARequestThatWaitsLongerIsTheSame(t *testing.T) {
	store := memory.New()
	retry := newKey(t, "job")
	create(t, mustNew(store, settings), "ann")
	lease, err := mustNew(store, settings).Acquire(t.Context(), anyone, domain.Terms{Wait: time.Second}, retry)
	if err != nil {
		t.Fatal(err)
	}
	again, err := mustNew(store, settings).Acquire(t.Context(), anyone, domain.Terms{Wait: time.Minute}, retry)
	if err != nil || again.ID != lease.ID {
		t.Errorf("the same request with another wait = %+v, %v; want the same lease", again, err)
	}
}

func TestTheDigestOfARequestWithoutScopeHasNotChanged(t *testing.T) {
	store := &claims{Store: memory.New()}
	farm, retry := mustNew(store, settings), newKey(t, "job")
	_, _ = farm.Acquire(t.Context(), anyone, domain.Terms{Owner: "ci-1"}, retry)
	if got := fmt.Sprintf("%x", store.latest.Once.Request); got != "a86bf0ee304c9c5d7fe3befa20dfdb69c70565c82782034ce42ec9216ef7a648" {
		t.Errorf("acquire is %s", got)
	}
}

func TestTheDigestOfACreateWithoutReasonHasNotChanged(t *testing.T) {
	store := &claims{Store: memory.New()}
	_, _ = mustNew(store, settings).CreateUser(t.Context(), spec("ann"), newKey(t, "job"))
	if got := fmt.Sprintf("%x", store.added.Request); got != "8a25c64de5901ed0879d9c5d9898fc85969493dd43c3297b9ec5717759070d34" {
		t.Errorf("create is %s", got)
	}
}

func newKey(t *testing.T, text string) domain.IdempotencyKey {
	t.Helper()
	key, err := domain.NewIdempotencyKey(text)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
