package app_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/userfarm/userfarm/app"
	"github.com/userfarm/userfarm/domain"
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
	ann := spec("ann")
	ann.TOTP = testTOTP(t)
	view, err := farm.CreateUser(t.Context(), ann, noKey)
	if err != nil || !view.HasTOTP {
		t.Fatalf("create = %+v, %v", view, err)
	}
	bob := create(t, farm, "bob")
	return farm, acquire(t, farm, []domain.Selector{{UserID: view.ID}, {UserID: bob}}, domain.Terms{})
}

func TestACodeIsReturnedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		farm, lease := newLogin(t)
		time.Sleep(10 * time.Second)
		first, err := farm.OneTimeCode(t.Context(), lease.ID, lease.Users[0].ID, 0)
		if err != nil || first.Remaining != 20*time.Second || !first.ExpiresAt.Equal(time.Now().Add(20*time.Second)) {
			t.Errorf("code = %+v, %v", first, err)
		}
		_, err = farm.OneTimeCode(t.Context(), lease.ID, lease.Users[0].ID, 0)
		if used, ok := errors.AsType[*domain.CodeUsedError](err); !ok || used.Wait != 20*time.Second {
			t.Errorf("once more = %v", err)
		}
		time.Sleep(20 * time.Second)
		second, err := farm.OneTimeCode(t.Context(), lease.ID, lease.Users[0].ID, 0)
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
			_, err := farm.OneTimeCode(t.Context(), lease.ID, lease.Users[0].ID, wait)
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
				code, err := farm.OneTimeCode(t.Context(), lease.ID, lease.Users[0].ID, domain.MaxWait)
				if used, ok := errors.AsType[*domain.CodeUsedError](err); err != nil && (!ok || used.Wait != period || time.Since(began) != domain.MaxWait) {
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
			if _, err := farm.OneTimeCode(ctx, lease.ID, lease.Users[0].ID, time.Minute); !errors.Is(err, want) {
				t.Errorf("code = %v, want %v", err, want)
			}
		}
		if waited := time.Since(began); waited != time.Second {
			t.Errorf("the caller waited for %v", waited)
		}
	})
}

func TestALeaseThatEndsDuringTheWaitGetsNoCode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		farm, lease := newLogin(t)
		if _, err := farm.OneTimeCode(t.Context(), lease.ID, lease.Users[0].ID, 0); err != nil {
			t.Fatal(err)
		}
		go func() {
			time.Sleep(time.Second)
			if err := farm.Release(t.Context(), lease.ID); err != nil {
				t.Error(err)
			}
		}()
		if code, err := farm.OneTimeCode(t.Context(), lease.ID, lease.Users[0].ID, time.Minute); !errors.Is(err, domain.ErrLeaseExpired) {
			t.Errorf("code = %+v, %v", code, err)
		}
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
			if _, err := farm.OneTimeCode(t.Context(), c.lease, c.user, time.Minute); !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %v", name, err, c.want)
			}
		}
		for _, wait := range []time.Duration{-time.Second, domain.MaxWait + time.Second} {
			_, err := farm.OneTimeCode(t.Context(), lease.ID, lease.Users[0].ID, wait)
			wantFields(t, err, "/wait_seconds")
		}
		time.Sleep(settings.Leases.DefaultTTL)
		if _, err := farm.OneTimeCode(t.Context(), lease.ID, lease.Users[0].ID, 0); !errors.Is(err, domain.ErrLeaseExpired) {
			t.Errorf("after the lease has expired: %v", err)
		}
	})
}
