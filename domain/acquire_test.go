package domain_test

import (
	"errors"
	"testing"
	"time"

	"github.com/userfarm/userfarm/domain"
)

func TestAcquirePicksFreeUsersOnlyAndAppliesThePolicy(t *testing.T) {
	held, dirty, used, fresh := newUser("held", nil), newUser("dirty", nil), newUser("used", nil), newUser("fresh", nil)
	grant(t, noon, time.Hour, held)
	must(t, dirty.Quarantine(noon, "dirty"))
	must(t, used.LockOpen(noon.Add(-time.Hour), 0))
	must(t, used.ReleaseOpen(noon))
	users := []*domain.User{held, dirty, used, fresh}

	policy, id := domain.LeasePolicy{QuarantineOnExpiry: true}, domain.NewLeaseID()
	lease, err := domain.Acquire(noon, id, policy, domain.Terms{Owner: "ci"}, []domain.Selector{{}}, users)
	must(t, err)
	if len(lease.Users) != 1 || lease.Users[0].ID != fresh.ID() || lease.ID != id || lease.Owner != "ci" {
		t.Errorf("lease = %+v, want one of the user that was never locked", lease)
	}
	if got := lease.ExpiresAt.Sub(noon); got != 15*time.Minute {
		t.Errorf("time to live = %v", got)
	}
	if got := fresh.Status(lease.ExpiresAt); got != domain.Quarantined {
		t.Errorf("after the expiry the user is %s", got)
	}

	_, err = domain.Acquire(noon, domain.NewLeaseID(), policy, domain.Terms{}, []domain.Selector{{}, {}}, users)
	if !errors.Is(err, domain.ErrPoolExhausted) || used.Status(noon) != domain.Free {
		t.Errorf("two of one free user: %v, and it is %s", err, used.Status(noon))
	}
}

func TestAcquireExplainsWhyItGrantsNothing(t *testing.T) {
	ann := newUser("ann", nil)
	grant(t, noon, time.Hour, ann)
	for _, c := range []struct {
		want domain.Selector
		err  error
	}{
		{domain.Selector{UserID: ann.ID()}, domain.ErrUserLocked},
		{domain.Selector{UserID: domain.UserID{9}}, domain.ErrUserNotFound},
		{domain.Selector{Env: "nowhere"}, domain.ErrNoMatch},
		{domain.Selector{}, domain.ErrPoolExhausted},
	} {
		_, err := domain.Acquire(
			noon, domain.NewLeaseID(), domain.LeasePolicy{}, domain.Terms{}, []domain.Selector{c.want}, []*domain.User{ann})
		if !errors.Is(err, c.err) {
			t.Errorf("%+v: %v, want %v", c.want, err, c.err)
		}
	}
}

func TestAcquireNamesEveryBadField(t *testing.T) {
	_, err := domain.Acquire(noon, domain.NewLeaseID(), domain.LeasePolicy{},
		domain.Terms{Owner: "\x00", TTL: 25 * time.Hour}, nil, []*domain.User{newUser("ann", nil)})
	wantFields(t, err, "/users", "/owner", "/ttl_seconds")
}

func TestAcquireRejectsAPolicyThatCantWork(t *testing.T) {
	ann := newUser("ann", nil)
	for _, policy := range []domain.LeasePolicy{{DefaultTTL: -time.Hour}, {DefaultTTL: time.Hour, LongestTTL: time.Minute}} {
		_, err := domain.Acquire(
			noon, domain.NewLeaseID(), policy, domain.Terms{}, []domain.Selector{{}}, []*domain.User{ann})
		if err == nil || errors.Is(err, domain.ErrInvalid) || ann.Status(noon) != domain.Free {
			t.Errorf("%+v: %v, and the user is %s; want an error that does not blame the caller", policy, err, ann.Status(noon))
		}
	}
}
