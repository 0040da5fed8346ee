package portstest

import (
	"encoding/hex"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

var historyTests = []storeTest{
	{"is empty in an empty store", func(f *farm) { f.wantHistory(ports.EventQuery{}) }},
	{"records every event of a user, with the time of the store's clock", historyLife},
	{"records an event for every user of a lease", historyLease},
	{"records what a claim wants once, and for how long its users were held, also over a restart", historyDemand},
	{"records nothing for a refused operation", historyRefused},
	{"keeps the events of a user that was removed", historyRemoved},
	{"keeps texts unchanged", historyText},
	{"keeps the history over a restart", historyRestart},
	{"forgets only events that are older than the age", historyForget},
	{"continues its ids after all events were forgotten", historyGoesOn},
	{"contains no secret", historySecrets},
}

// historyOf returns all events that match q, in its order. It sets the limit of q.
func (f *farm) historyOf(q ports.EventQuery) []ports.RecordedEvent {
	f.Helper()
	q.Limit = 1000
	page, err := f.store.Events(f.Context(), q)
	f.must(err)
	if page.Next != 0 {
		f.Fatalf("Events returned all %d events and says that there are more", len(page.Events))
	}
	last := q.After
	for _, e := range page.Events {
		if last != 0 && (e.ID < last) != q.NewestFirst || e.ID == last {
			f.Fatalf("event %d comes after event %d", e.ID, last)
		}
		last = e.ID
	}
	return page.Events
}

// wantHistory fails the test unless these are the events that match q.
func (f *farm) wantHistory(q ports.EventQuery, want ...domain.Event) {
	f.Helper()
	got := f.historyOf(q)
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(want):
			f.Fatalf("%d events too many, first\n\t%+v", len(got)-i, got[i].Event)
		case i >= len(got):
			f.Fatalf("%d events are missing, first\n\t%+v", len(want)-i, want[i])
		case !sameEvent(got[i].Event, want[i]):
			f.Fatalf("event %d is\n\t%+v, want\n\t%+v", i, got[i].Event, want[i])
		}
	}
}

// sameEvent reports whether two events tell the same.
func sameEvent(a, b domain.Event) bool {
	sameWant := slices.EqualFunc(a.Want, b.Want, domain.Selector.Equal) // labels may be nil or empty
	a.Want, b.Want = nil, nil
	return sameWant && reflect.DeepEqual(a, b)
}

// sameEvents reports whether two histories are the same.
func sameEvents(a, b []ports.RecordedEvent) bool {
	return slices.EqualFunc(a, b, func(a, b ports.RecordedEvent) bool {
		return a.ID == b.ID && a.KeyName == b.KeyName && sameEvent(a.Event, b.Event)
	})
}

// kinds returns the kinds of all events that match q.
func (f *farm) kinds(q ports.EventQuery) (kinds []domain.EventKind) {
	f.Helper()
	for _, e := range f.historyOf(q) {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

// wantKinds fails the test unless the events of the user are of these kinds.
func (f *farm) wantKinds(u *domain.User, want ...domain.EventKind) {
	f.Helper()
	if got := f.kinds(ports.EventQuery{UserID: u.ID()}); !slices.Equal(got, want) {
		f.Fatalf("the events are %v, want %v", got, want)
	}
}

// event returns an event of the user at the current time.
func (f *farm) event(u *domain.User, kind domain.EventKind, fence uint64, reason string) domain.Event {
	f.Helper()
	s := u.Snapshot()
	return domain.Event{At: f.now(), Kind: kind, UserID: s.ID, Login: s.Login, Pool: s.Pool, Fence: fence, Reason: reason}
}

// under returns e as an event of a lock with this owner and note.
func under(owner, note string, e domain.Event) domain.Event {
	e.Owner, e.Note = owner, note
	return e
}

// acquireAs acquires a lease for ttl for an owner.
func (f *farm) acquireAs(owner string, want ...domain.Selector) domain.Lease {
	f.Helper()
	lease, err := f.tryAcquireOn(domain.Terms{Owner: owner, Note: "note of " + owner, TTL: ttl}, want...)
	f.must(err)
	return lease
}

func historyLife(f *farm) {
	f.advance(time.Second + instant)
	u := f.add(withRole("admin"))
	var want []domain.Event
	var since time.Time // of the lock
	happened := func(owner string, kind domain.EventKind, fence uint64, reason string) {
		e := f.event(u, kind, fence, reason)
		switch kind {
		case domain.UserAcquired:
			if since = e.At; owner != "" {
				e.Want = []domain.Selector{anyone}
			}
		case domain.UserReleased, domain.UserForced:
			e.Held = e.At.Sub(since)
		case domain.UserExpired:
			e.Held = ttl
		default:
		}
		if owner != "" {
			e = under(owner, "note of "+owner, e)
		}
		want = append(want, e)
	}
	happened("", domain.UserCreated, 0, "")

	f.advance(time.Second)
	lease := f.acquireAs("ann", anyone)
	happened("ann", domain.UserAcquired, 1, "")
	f.advance(time.Second)
	_, err := f.renew(lease.ID, ttl)
	f.must(err)
	happened("ann", domain.UserRenewed, 1, "")
	f.advance(time.Second)
	f.must(f.release(lease.ID, domain.Fault{UserID: u.ID(), Reason: "cart is full"}))
	happened("ann", domain.UserReleased, 1, "")
	happened("", domain.UserQuarantined, 1, "cart is full")
	f.advance(time.Second)
	f.must(f.update(u.ID(), func(now time.Time, u *domain.User) error { return u.Restore(now, "emptied") }))
	happened("", domain.UserRestored, 1, "emptied")

	f.acquireAs("bob", anyone)
	happened("bob", domain.UserAcquired, 2, "")
	f.advance(time.Second)
	f.must(f.update(u.ID(), func(now time.Time, u *domain.User) error {
		return domain.ForceRelease(now, []*domain.User{u}, "stuck")
	}))
	happened("bob", domain.UserForced, 2, "stuck")
	f.must(f.lockOpen(u.ID(), 0))
	happened("", domain.UserAcquired, 3, "")
	f.must(f.releaseOpen(u.ID()))
	happened("", domain.UserReleased, 3, "")

	f.acquireAs("cid", anyone)
	happened("cid", domain.UserAcquired, 4, "")
	f.advance(2 * ttl)
	_, err = f.store.EndExpired(f.Context())
	f.must(err)
	happened("cid", domain.UserExpired, 4, "")
	f.advance(time.Second)
	f.must(f.remove(u.ID()))
	happened("", domain.UserRemoved, 4, "")

	f.wantHistory(ports.EventQuery{}, want...)
	f.wantHistory(ports.EventQuery{UserID: u.ID()}, want...)
}

func historyLease(f *farm) {
	users := f.addMany(3)
	lease := f.acquireAs("ann", named(users[2]), named(users[0]))
	f.must(f.release(lease.ID))
	f.wantKinds(users[0], domain.UserCreated, domain.UserAcquired, domain.UserReleased)
	f.wantKinds(users[1], domain.UserCreated)
	f.wantKinds(users[2], domain.UserCreated, domain.UserAcquired, domain.UserReleased)
	if got := len(f.historyOf(ports.EventQuery{})); got != 7 {
		f.Fatalf("%d events, want 7", got)
	}
}

func historyDemand(f *farm) {
	shop, blog := f.addMany(2), f.add(withRole("admin"), in(domain.Pool{ProjectID: projectB, Env: "prod", Domain: "blog"}))
	want := []domain.Selector{
		named(shop[1]), {ProjectID: projectB, Env: "prod", Domain: "blog", Labels: domain.Labels{"role": "admin"}},
		anyone.In(domain.Only(projectA, projectC)),
	}
	lease := f.acquire(want...)
	f.advance(time.Second)
	f.must(f.release(lease.ID))
	check := func() {
		f.Helper()
		for i, u := range []*domain.User{shop[1], blog, shop[0]} {
			events := f.historyOf(ports.EventQuery{UserID: u.ID()})
			if len(events) != 3 {
				f.Fatalf("user %d has %d events, want 3", i, len(events))
			}
			acquired, released := events[1], events[2]
			if held := released.At.Sub(acquired.At); released.Held != held || held < time.Second || acquired.Held != 0 {
				f.Errorf("user %d was held for %v, recorded %v; want the time since it was acquired", i, held, released.Held)
			}
			if wanted := acquired.Want; i == 0 && !slices.EqualFunc(wanted, want, domain.Selector.Equal) || i > 0 && wanted != nil {
				f.Errorf("the acquire of user %d says that the claim wants %+v, and the claim wants %+v", i, wanted, want)
			}
			if events[0].Want != nil || released.Want != nil {
				f.Error("an event that is not the beginning of a claim says what the claim wants")
			}
		}
	}
	check()
	f.restart()
	check()
}

func historyRefused(f *farm) {
	u, held := f.add(), f.add()
	f.acquireFor(time.Hour, named(held))
	first := f.once("key", "request")
	f.must(f.claimOnce(first, named(u)))
	f.must(f.forceRelease(u.ID()))
	before := f.historyOf(ports.EventQuery{})

	lock := func(now time.Time, users []*domain.User) error {
		if err := users[0].LockOpen(now, 0); err != nil {
			return err
		}
		return errDecide
	}
	_, err := f.store.Claim(f.Context(), ports.Claim{Want: []domain.Selector{anyone}, Decide: lock})
	f.wantErr("Claim", err, errDecide)
	_, err = f.store.Update(f.Context(), ports.ByUser(u.ID()), lock)
	f.wantErr("Update", err, errDecide)
	f.wantErr("Remove", f.store.Remove(f.Context(), u.ID(), func(now time.Time, users []*domain.User) error {
		if err := users[0].Remove(now, ""); err != nil {
			return err
		}
		return errDecide
	}), errDecide)
	f.wantUnmatched(domain.ErrPoolExhausted, []int{1}, named(u), domain.Selector{Env: "staging"})
	f.wantRefused(domain.ErrUserLocked, 0, named(held))
	f.wantRepeated(f.claimOnce(f.once("key", "request"), anyone), first)
	twins := []*domain.User{f.build(), f.build(withLogin(u.Snapshot().Login))}
	f.wantErr("Add", f.store.Add(f.Context(), domain.Once{}, twins...), domain.ErrUserExists)
	f.must(f.update(u.ID(), func(time.Time, *domain.User) error { return nil }))

	if got := f.historyOf(ports.EventQuery{}); !sameEvents(got, before) {
		f.Fatalf("after refused operations, the history is:\n\t%+v, want\n\t%+v", got, before)
	}
}

func historyRemoved(f *farm) {
	u := f.add(withLogin("again"))
	f.must(f.release(f.acquire(anyone).ID))
	f.must(f.remove(u.ID()))
	again := f.add(withLogin("again"))
	f.wantKinds(u, domain.UserCreated, domain.UserAcquired, domain.UserReleased, domain.UserRemoved)
	f.wantKinds(again, domain.UserCreated)
	if got := f.historyOf(ports.EventQuery{UserID: u.ID()})[3]; got.Login != "again" || got.Pool != u.Snapshot().Pool {
		f.Fatalf("the last event is %+v", got)
	}
}

func historyText(f *farm) {
	for _, text := range []string{"Zoë \U0001f642", "'; DROP TABLE users; --", "a\\'b\"c", "%s $1 ?", "a\u202ebc"} {
		u := f.add(withLogin("a"+text), in(domain.Pool{ProjectID: projectB, Env: text, Domain: text}))
		lease, err := f.tryAcquireOn(domain.Terms{Owner: text, Note: text, TTL: ttl}, named(u))
		f.must(err)
		f.must(f.release(lease.ID, domain.Fault{UserID: u.ID(), Reason: text}))
		released := under(text, text, f.event(u, domain.UserReleased, 1, ""))
		acquired := under(text, text, f.event(u, domain.UserAcquired, 1, ""))
		acquired.Want = []domain.Selector{named(u)}
		f.wantHistory(ports.EventQuery{Owner: text}, acquired, released)
		f.wantHistory(ports.EventQuery{UserID: u.ID()}, f.event(u, domain.UserCreated, 0, ""), acquired, released,
			f.event(u, domain.UserQuarantined, 1, text))
	}
}

func historyRestart(f *farm) {
	f.addMany(2)
	lease := f.acquireAs("ann", anyone, anyone)
	before := f.historyOf(ports.EventQuery{})
	f.restart()
	if got := f.historyOf(ports.EventQuery{}); !sameEvents(got, before) {
		f.Fatalf("the history is\n\t%+v, and was\n\t%+v", got, before)
	}
	f.must(f.release(lease.ID))
	if got := f.historyOf(ports.EventQuery{After: before[len(before)-1].ID}); len(got) != 2 {
		f.Fatalf("%d events since the restart, want 2", len(got))
	}
}

func historyForget(f *farm) {
	old := f.add()
	f.advance(time.Second)
	f.acquireFor(24*time.Hour, anyone)
	f.advance(time.Hour - time.Second)
	forget := func() { f.must(f.store.Forget(f.Context(), ports.Ages{Leases: 0, Events: time.Hour})) }
	forget()
	f.wantKinds(old, domain.UserCreated, domain.UserAcquired)
	f.advance(instant)
	forget()
	f.wantKinds(old, domain.UserAcquired)
	f.wantFence(old.ID(), 1)
	f.advance(time.Hour)
	f.must(f.store.Forget(f.Context(), ports.Ages{Leases: 0, Events: 10 * time.Hour}))
	f.wantKinds(old, domain.UserAcquired)
}

func historyGoesOn(f *farm) {
	u := f.add()
	f.must(f.release(f.acquire(anyone).ID))
	before := f.historyOf(ports.EventQuery{})
	f.advance(time.Hour)
	f.must(f.store.Forget(f.Context(), ports.Ages{}))
	f.wantHistory(ports.EventQuery{})
	f.restart()
	f.acquireAs("ann", anyone)
	again := under("ann", "note of ann", f.event(u, domain.UserAcquired, 2, ""))
	again.Want = []domain.Selector{anyone}
	f.wantHistory(ports.EventQuery{After: before[len(before)-1].ID}, again)
}

func historySecrets(f *farm) {
	u := f.add()
	lease := f.acquire(anyone)
	digest := lease.ID.Digest()
	_, err := f.renew(lease.ID, ttl)
	f.must(err)
	f.must(f.release(lease.ID, domain.Fault{UserID: u.ID(), Reason: "broken"}))
	f.change(u, domain.Change{Password: new(domain.NewSecret(passwordOf + "changed")), TOTP: new(f.totp(sixDigits)), Labels: &domain.Labels{}})
	f.must(f.remove(u.ID()))
	printed := strings.ToLower(fmt.Sprintf("%+v", f.historyOf(ports.EventQuery{})))
	for _, secret := range []string{
		u.Snapshot().Password.Reveal(), lease.ID.Reveal(), hex.EncodeToString(lease.ID[:]), hex.EncodeToString(digest[:]),
	} {
		if strings.Contains(printed, secret) {
			f.Fatalf("the history contains a secret: %s", printed)
		}
	}
}
