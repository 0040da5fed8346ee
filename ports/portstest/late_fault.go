package portstest

import (
	"errors"
	"slices"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

var lateFaultTests = []storeTest{
	{"keeps a late fault, however the lease ended", lateKept},
	{"keeps no late fault of a user that was acquired since, in whatever way", lateTaken},
	{"keeps a late fault once, also if the user was restored since", lateOnce},
	{"keeps no fault again that the release reported", lateReleased},
	{"keeps the reason of a user that is in quarantine already", lateReason},
	{"keeps the faults of those users of a lease that nobody has acquired since", latePartly},
	{"records which API key reported a late fault", lateKey},
	{"changes nothing for a late fault that is invalid", lateInvalid},
	{"keeps late faults over a restart", lateRestart},
	{"gives a user to a claim or keeps its fault, but never both", lateRace},
}

// reportLate reports faults of a lease that is over, as a use case does. It returns which users it kept a fault of.
func (f *farm) reportLate(id domain.LeaseID, faults ...domain.Fault) (kept []domain.UserID, err error) {
	return f.reportLateBy(domain.APIKey{}, id, faults...)
}

func (f *farm) reportLateBy(key domain.APIKey, id domain.LeaseID, faults ...domain.Fault) (kept []domain.UserID, err error) {
	lease := ports.ByLease(id.Digest())
	_, err = f.store.Update(f.Context(), lease, signed(key, func(now time.Time, users []*domain.User) error {
		return domain.RecordExpiry(now, users, faults)
	}))
	if err == nil {
		_, _, err = f.store.Find(f.Context(), lease)
	}
	ended, over := errors.AsType[*domain.EndedLeaseError](err)
	if !over {
		return nil, err
	}
	if err := ended.CheckFaults(faults); err != nil {
		return nil, err
	}
	for _, fault := range faults {
		var keeps bool
		_, err := f.store.Update(f.Context(), ports.ByUser(fault.UserID), signed(key, func(now time.Time, users []*domain.User) error {
			keeps = ended.KeepFault(now, users[0], fault)
			return nil
		}))
		if err != nil && !errors.Is(err, domain.ErrUserNotFound) {
			return nil, err
		}
		if keeps {
			kept = append(kept, fault.UserID)
		}
	}
	return kept, nil
}

// dirty returns the faults of users that are dirty.
func dirty(users ...*domain.User) []domain.Fault {
	faults := make([]domain.Fault, len(users))
	for i, u := range users {
		faults[i] = domain.Fault{UserID: u.ID(), Reason: "dirty"}
	}
	return faults
}

// wantKept fails the test unless the faults of exactly these of the users are kept.
func (f *farm) wantKept(id domain.LeaseID, faults []domain.Fault, want ...*domain.User) {
	f.Helper()
	kept, err := f.reportLate(id, faults...)
	f.must(err)
	f.wantIDs("kept", kept, ids(want))
}

// wantDirty fails the test unless the user is in quarantine for this reason.
func (f *farm) wantDirty(u *domain.User, reason string, since time.Time) {
	f.Helper()
	f.wantStatus(u.ID(), domain.Quarantined)
	q := f.get(u.ID()).View(f.now()).Quarantine
	if *q != (domain.Quarantine{Reason: reason, Since: since}) {
		f.Fatalf("the quarantine is %+v, want %q since %v", *q, reason, since)
	}
}

func lateKept(f *farm) {
	for _, end := range []struct {
		kind domain.EventKind
		how  func(u *domain.User, lease domain.LeaseID)
	}{
		{domain.UserExpired, func(*domain.User, domain.LeaseID) { f.advance(time.Hour) }},
		{domain.UserExpired, func(*domain.User, domain.LeaseID) { f.advance(time.Hour); f.endExpired() }},
		{domain.UserReleased, func(_ *domain.User, lease domain.LeaseID) { f.must(f.release(lease)) }},
		{domain.UserForced, func(u *domain.User, _ domain.LeaseID) { f.must(f.forceRelease(u.ID())) }},
	} {
		u := f.add()
		lease := f.acquire(named(u))
		end.how(u, lease.ID)
		f.advance(time.Second)
		f.wantKept(lease.ID, dirty(u), u)
		f.wantDirty(u, "dirty", f.now())
		f.wantKinds(u, domain.UserCreated, domain.UserAcquired, end.kind, domain.UserQuarantined)
		f.wantRefused(domain.ErrUserQuarantined, 0, named(u))
		f.wantFence(u.ID(), 1)
	}
}

func lateTaken(f *farm) {
	for _, ended := range []bool{false, true} {
		for _, take := range []func(u *domain.User){
			func(u *domain.User) { f.acquire(named(u)) },
			func(u *domain.User) { f.must(f.release(f.acquire(named(u)).ID)) },
			func(u *domain.User) { f.must(f.lockOpen(u.ID(), 0)) },
			func(u *domain.User) { f.must(f.lockOpen(u.ID(), 0)); f.must(f.releaseOpen(u.ID())) },
			func(u *domain.User) { f.acquire(named(u)); f.advance(time.Hour) },
		} {
			u := f.add()
			lease := f.acquire(named(u))
			f.advance(time.Hour)
			if ended {
				f.endExpired()
			}
			take(u)
			before, history := f.get(u.ID()), len(f.historyOf(ports.EventQuery{UserID: u.ID()}))
			f.wantKept(lease.ID, dirty(u))
			f.wantSame(f.get(u.ID()), before)
			if now := len(f.historyOf(ports.EventQuery{UserID: u.ID()})); now != history {
				f.Fatalf("a late fault made %d events", now-history)
			}
		}
	}
}

func lateOnce(f *farm) {
	u := f.add()
	lease := f.acquire(named(u))
	f.advance(time.Hour)
	f.wantKept(lease.ID, dirty(u), u)
	at := f.now()
	f.advance(time.Second)
	f.wantKept(lease.ID, dirty(u), u)
	f.wantKept(lease.ID, []domain.Fault{{UserID: u.ID(), Reason: "very dirty"}}, u)
	f.wantDirty(u, "dirty", at)
	f.must(f.update(u.ID(), restored))
	f.wantKept(lease.ID, dirty(u), u)
	f.wantStatus(u.ID(), domain.Free)
	f.restart()
	f.acquire(named(u))
	f.wantKept(lease.ID, dirty(u), u)
	f.wantStatus(u.ID(), domain.Locked)
	f.wantKinds(u, domain.UserCreated, domain.UserAcquired, domain.UserExpired, domain.UserQuarantined, domain.UserRestored,
		domain.UserAcquired)
}

func lateReleased(f *farm) {
	u, other := f.add(), f.add()
	lease := f.acquire(named(u), named(other))
	f.must(f.release(lease.ID, dirty(u)...))
	f.wantKept(lease.ID, dirty(u), u)
	f.must(f.update(u.ID(), restored))
	f.wantKept(lease.ID, dirty(u), u)
	f.wantStatus(u.ID(), domain.Free)
	f.wantKept(lease.ID, dirty(u, other), u, other)
	f.wantStatus(u.ID(), domain.Free)
	f.wantDirty(other, "dirty", f.now())
}

func lateReason(f *farm) {
	u, strict := f.add(), f.add()
	lease, strictly := f.acquire(named(u)), f.acquireStrictly(named(strict))
	f.advance(time.Hour)
	f.must(f.quarantine(u.ID(), "password rejected"))
	at := f.now()
	f.advance(time.Second)
	f.wantKept(lease.ID, dirty(u), u)
	f.wantDirty(u, "password rejected", at)
	f.wantKept(strictly.ID, dirty(strict), strict)
	f.wantDirty(strict, "the lease expired before it was released", strictly.ExpiresAt)
	f.wantKinds(strict, domain.UserCreated, domain.UserAcquired, domain.UserExpired, domain.UserQuarantined)

	f.must(f.update(u.ID(), restored))
	f.wantKept(lease.ID, dirty(u), u)
	f.wantStatus(u.ID(), domain.Free)
}

func latePartly(f *farm) {
	users := f.addMany(5)
	taken, removed, carries, clean, ended := users[0], users[1], users[2], users[3], users[4]
	lease := f.acquire(named(ended), named(taken), named(clean), named(carries), named(removed))
	f.advance(time.Hour)
	f.acquireFor(time.Hour, named(taken))
	f.must(f.remove(removed.ID()))
	f.must(f.recordExpiry(ended.ID()))
	f.wantCarriers(lease.ID, clean, carries)
	f.wantKept(lease.ID, dirty(taken, removed, carries, ended), carries, ended)
	f.wantStatus(taken.ID(), domain.Locked)
	f.wantStatus(clean.ID(), domain.Free)
	f.wantDirty(carries, "dirty", f.now())
	f.wantDirty(ended, "dirty", f.now())
	if end := f.ended(lease.ID); end.End != domain.LeaseExpired || end.At != lease.ExpiresAt || len(end.Users) != len(users) {
		f.Fatalf("the lease was %s at %v and had the users %v", end.End, end.At, end.Users)
	}
}

func lateKey(f *farm) {
	key, noKey := f.addKey(), domain.APIKey{}
	u := f.add()
	lease := f.acquire(named(u))
	f.advance(time.Hour)
	kept, err := f.reportLateBy(key, lease.ID, dirty(u)...)
	f.must(err)
	f.wantIDs("kept", kept, []domain.UserID{u.ID()})
	f.wantKeyEvents(u, keyEvent{domain.UserCreated, noKey}, keyEvent{domain.UserAcquired, noKey}, keyEvent{domain.UserExpired, noKey},
		keyEvent{domain.UserQuarantined, key})
}

func lateInvalid(f *farm) {
	u, v, stranger := f.add(), f.add(), f.add()
	lease := f.acquire(named(u), named(v))
	f.advance(time.Hour)
	for range 2 { // before the expiry is recorded, and after
		for _, faults := range [][]domain.Fault{
			dirty(u, stranger), {{UserID: u.ID(), Reason: "dirty"}, {UserID: v.ID()}}, {{UserID: u.ID(), Reason: "dir\x00ty"}},
		} {
			before, history := f.everyone(), len(f.historyOf(ports.EventQuery{}))
			_, err := f.reportLate(lease.ID, faults...)
			f.wantErr("an invalid fault", err, domain.ErrInvalid)
			for _, u := range before {
				f.wantSame(f.get(u.ID()), u)
			}
			if now := len(f.historyOf(ports.EventQuery{})); now != history {
				f.Fatalf("an invalid fault made %d events", now-history)
			}
		}
		f.endExpired()
	}
	f.wantKept(lease.ID, dirty(v), v)
	_, err := f.reportLate(domain.NewLeaseID(), dirty(u)...)
	f.wantErr("a fault of an unknown lease", err, domain.ErrLeaseNotFound)
}

func lateRestart(f *farm) {
	u, v := f.add(), f.add()
	released, expired := f.acquire(named(u)), f.acquire(named(v))
	f.must(f.release(released.ID))
	f.advance(ttl)
	f.restart()
	f.wantKept(released.ID, dirty(u), u)
	f.wantKept(expired.ID, dirty(v), v)
	f.restart()
	f.wantStatus(u.ID(), domain.Quarantined)
	f.wantStatus(v.ID(), domain.Quarantined)
}

func lateRace(f *farm) {
	const rounds, reports, claims = 10, 3, 2
	for range rounds {
		u := f.add()
		lease := f.acquire(named(u))
		f.advance(ttl)
		kept, leases := make([]bool, reports), make([]domain.Lease, claims)
		f.must(errors.Join(together(reports+claims, func(i int) (err error) {
			if i < reports {
				var users []domain.UserID
				users, err = f.reportLate(lease.ID, dirty(u)...)
				kept[i] = len(users) > 0
				return err
			}
			leases[i-reports], err = f.tryAcquire(named(u))
			if errors.Is(err, domain.ErrUserQuarantined) || errors.Is(err, domain.ErrUserLocked) {
				return nil
			}
			return err
		})...))
		granted := slices.ContainsFunc(leases, func(l domain.Lease) bool { return len(l.Users) > 0 })
		quarantines := 0
		for _, e := range f.historyOf(ports.EventQuery{UserID: u.ID()}) {
			if e.Kind == domain.UserQuarantined {
				quarantines++
			}
		}
		status := f.get(u.ID()).Status(f.now())
		switch {
		case granted && (slices.Contains(kept, true) || quarantines > 0 || status != domain.Locked):
			f.Fatalf("a claim got the user, which is %s; kept %v, %d times in quarantine", status, kept, quarantines)
		case !granted && (slices.Contains(kept, false) || quarantines != 1 || status != domain.Quarantined):
			f.Fatalf("no claim got the user, which is %s; kept %v, %d times in quarantine", status, kept, quarantines)
		}
	}
}
