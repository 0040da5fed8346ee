package portstest

import (
	"time"

	"github.com/userfarm/userfarm/domain"
)

var farmLeaseTests = []farmTest{
	{"grants a lease with all that its holder needs", leaseIsComplete},
	{"reads a lease as it was granted", leaseIsRead},
	{"gives each selector the user that fits it", leaseFitsSelectors},
	{"renews a lease", leaseIsRenewed},
	{"ends a lease by release", leaseIsReleased},
	{"ends a lease at its expiry", leaseExpires},
	{"knows only leases that it has granted", leaseIsUnknown},
	{"keeps the faults of a release", faultsAreKept},
	{"keeps the faults of a late release", lateFaultsAreKept},
	{"rejects faults of users outside of the lease", foreignFaultsAreRejected},
	{"counts the locks of a user", fencesIncrease},
	{"rejects terms that break a rule", badTermsAreRejected},
}

func leaseIsComplete(g *guest) {
	spec := g.spec(withLabels(domain.Labels{"role": "admin", "plan": "ü/~"}))
	user, err := g.Farm.CreateUser(g.Context(), spec, unkeyed)
	g.must(err)
	terms := domain.Terms{Owner: "ci-4711/worker-3", Note: "checkout <1> & \"2\"", TTL: 5 * time.Minute}
	want := []domain.Selector{{ProjectID: projectA, Labels: domain.Labels{"role": "admin"}}}
	lease, err := g.Farm.Acquire(g.Context(), want, terms, unkeyed)
	g.must(err)
	if lease.ID == (domain.LeaseID{}) || lease.AcquiredAt.IsZero() {
		g.Errorf("the lease has no id or no time: %+v", lease)
	}
	g.wantEqual("the lease", lease, domain.Lease{
		ID: lease.ID, Owner: terms.Owner, Note: terms.Note, AcquiredAt: lease.AcquiredAt, ExpiresAt: lease.AcquiredAt.Add(terms.TTL),
		Users: []domain.LeasedUser{{
			ID: user.ID, Login: spec.Login, Password: spec.Password, Pool: spec.Pool, Labels: spec.Labels, Fence: 1,
		}},
	})
	view := g.user(user.ID)
	g.wantEqual("the lock of the user", view.Lock, &domain.LockView{
		Owner: terms.Owner, Note: terms.Note, AcquiredAt: lease.AcquiredAt, ExpiresAt: lease.ExpiresAt, Fence: 1,
	})
}

func leaseIsRead(g *guest) {
	g.create()
	lease := g.acquire(anyone)
	if got := lease.ExpiresAt.Sub(lease.AcquiredAt); got != domain.DefaultTTL {
		g.Errorf("by default, a lease lasts for %v, want %v", got, domain.DefaultTTL)
	}
	read, err := g.Farm.Lease(g.Context(), lease.ID)
	g.must(err)
	g.wantEqual("the lease", read, lease)
}

func leaseFitsSelectors(g *guest) {
	admin, plain := g.create(withRole("admin")), g.create(withRole("plain"))
	lease := g.acquire(anyone, role("admin"))
	if lease.Users[0].ID != plain.ID || lease.Users[1].ID != admin.ID {
		g.Errorf("got %s and %s", lease.Users[0].Login, lease.Users[1].Login)
	}
}

func leaseIsRenewed(g *guest) {
	user := g.create()
	lease := g.acquire(anyone)
	renewed, err := g.Farm.Renew(g.Context(), lease.ID, time.Hour)
	g.must(err)
	if renewed.ExpiresAt.Before(lease.AcquiredAt.Add(time.Hour)) {
		g.Errorf("the renewed lease ends at %v, want an hour later than %v", renewed.ExpiresAt, lease.AcquiredAt)
	}
	byDefault, err := g.Farm.Renew(g.Context(), lease.ID, 0)
	g.must(err)
	if !byDefault.ExpiresAt.Before(renewed.ExpiresAt) {
		g.Errorf("the lease ends at %v, want the default time to live from now", byDefault.ExpiresAt)
	}
	if got := g.user(user.ID).Lock.Renewals; got < 2 { // a call whose answer gets lost may be carried out twice
		g.Errorf("the lock says that its lease was renewed %d times, want 2", got)
	}
	_, err = g.Farm.Renew(g.Context(), lease.ID, domain.LongestTTL+time.Second)
	g.wantFields("a renewal for too long", err, "/ttl_seconds")
	_, err = g.Farm.Renew(g.Context(), lease.ID, -time.Second)
	g.wantFields("a renewal for a negative time", err, "/ttl_seconds")
}

func leaseIsReleased(g *guest) {
	user := g.create()
	lease := g.acquire(anyone)
	g.must(g.Farm.Release(g.Context(), lease.ID))
	g.wantStatus(user.ID, domain.Free)
	g.wantEnd(lease, domain.LeaseReleased)
}

func leaseExpires(g *guest) {
	user := g.create()
	lease, err := g.Farm.Acquire(g.Context(), []domain.Selector{anyone}, domain.Terms{TTL: time.Second}, unkeyed)
	g.must(err)
	g.Advance(time.Second)
	g.wantStatus(user.ID, domain.Free)
	g.wantEnd(lease, domain.LeaseExpired)
}

// wantEnd fails the test unless the lease is over, and ended in this way.
func (g *guest) wantEnd(lease domain.Lease, want domain.LeaseEnd) {
	g.Helper()
	_, errRead := g.Farm.Lease(g.Context(), lease.ID)
	_, errRenew := g.Farm.Renew(g.Context(), lease.ID, 0)
	errRelease := g.Farm.Release(g.Context(), lease.ID)
	_, errCode := g.Farm.OneTimeCode(g.Context(), lease.ID, lease.Users[0].ID, domain.CodeTerms{})
	for call, err := range map[string]error{"read": errRead, "renew": errRenew, "release": errRelease, "code": errCode} {
		g.wantErr(call, err, domain.ErrLeaseExpired)
		ended := errorAs[*domain.EndedLeaseError](g, call, err)
		if ended.End != want || ended.At.Before(lease.AcquiredAt) || ended.Lease != lease.ID.Digest() {
			g.Errorf("%s: the lease was %q at %v, want %q", call, ended.End, ended.At, want)
		}
	}
}

func leaseIsUnknown(g *guest) {
	for _, id := range []domain.LeaseID{domain.NewLeaseID(), {}} {
		_, err := g.Farm.Lease(g.Context(), id)
		g.wantErr("read", err, domain.ErrLeaseNotFound)
		_, err = g.Farm.Renew(g.Context(), id, 0)
		g.wantErr("renew", err, domain.ErrLeaseNotFound)
		g.wantErr("release", g.Farm.Release(g.Context(), id), domain.ErrLeaseNotFound)
	}
}

func faultsAreKept(g *guest) {
	clean, broken := g.create(), g.create()
	lease := g.acquire(g.named(clean), g.named(broken))
	g.must(g.Farm.Release(g.Context(), lease.ID, domain.Fault{UserID: broken.ID, Reason: "cart is not empty"}))
	g.wantStatus(clean.ID, domain.Free)
	view := g.user(broken.ID)
	quarantine := view.Quarantine
	if view.Status != domain.Quarantined || quarantine == nil || quarantine.Reason != "cart is not empty" || quarantine.Since.IsZero() {
		g.Errorf("the broken user is %s because of %+v", view.Status, quarantine)
	}
}

func lateFaultsAreKept(g *guest) {
	rested, taken := g.create(), g.create()
	lease := g.acquire(g.named(rested), g.named(taken))
	g.must(g.Farm.Release(g.Context(), lease.ID))
	g.acquire(g.named(taken))
	err := g.Farm.Release(g.Context(), lease.ID, domain.Fault{UserID: taken.ID, Reason: "a"}, domain.Fault{UserID: rested.ID, Reason: "b"})
	ended := errorAs[*domain.EndedLeaseError](g, "a late release", err)
	g.wantEqual("what became of the faults", ended.Faults, []domain.LateFault{{UserID: taken.ID}, {UserID: rested.ID, Kept: true}})
	g.wantStatus(rested.ID, domain.Quarantined)
	g.wantStatus(taken.ID, domain.Locked)
}

func foreignFaultsAreRejected(g *guest) {
	user, other := g.create(), g.create()
	lease := g.acquire(g.named(user))
	err := g.Farm.Release(g.Context(), lease.ID, domain.Fault{UserID: user.ID, Reason: "x"}, domain.Fault{UserID: other.ID, Reason: "x"})
	g.wantFields("a fault of another user", err, "/quarantine/1/user_id")
	g.wantStatus(user.ID, domain.Locked)
}

func fencesIncrease(g *guest) {
	g.create()
	for fence := uint64(1); fence <= 3; fence++ {
		lease := g.acquire(anyone)
		if got := lease.Users[0].Fence; got != fence {
			g.Errorf("lock %d has the fence %d", fence, got)
		}
		g.must(g.Farm.Release(g.Context(), lease.ID))
	}
}

func badTermsAreRejected(g *guest) {
	terms := domain.Terms{Owner: "a\nb", Note: "a\x00b", TTL: domain.LongestTTL + time.Second, Wait: -time.Second}
	want := []domain.Selector{{Env: "a\x00b"}, {UserID: domain.UserID{1}, Domain: "x"}, {Labels: domain.Labels{"~/": "x"}}}
	_, err := g.Farm.Acquire(g.Context(), want, terms, unkeyed)
	g.wantFields("an acquire", err, "/users/0/env", "/users/1", "/users/2/labels/~0~1", "/owner", "/note", "/ttl_seconds", "/wait_seconds")
	_, err = g.tryAcquire()
	g.wantFields("an acquire of nobody", err, "/users")
	_, err = g.tryAcquire(domain.Selector{Env: "\xff"})
	g.wantFields("an acquire of an env that is not UTF-8", err, "/users/0/env")
}
