package portstest

import (
	"slices"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

var historyKeyTests = []storeTest{
	{"records which API key caused an event, and returns its name", historyByKey},
	{"names no key for an operation without a key", historyNoKey},
	{"names no key for an expiry", historyExpiry},
	{"names the key of a claim that waited in line", historyKeyInLine},
	{"keeps the id of an unknown key", historyUnknownKey},
	{"does not name a key whose projects are out of scope", historyForeignKey},
	{"names keys that have ended, also after a restart", historyKeyRestart},
}

// signed returns decide with the key as the cause of its events.
func signed(key domain.APIKey, decide ports.Decide) ports.Decide {
	return func(now time.Time, users []*domain.User) error {
		for _, u := range users {
			u.ActBy(key.ID)
		}
		return decide(now, users)
	}
}

// granting returns a decide that grants a lease for ttl.
func granting(id domain.LeaseID) ports.Decide {
	return func(now time.Time, users []*domain.User) error {
		_, err := domain.Grant(now, id, domain.Terms{TTL: ttl}, users)
		return err
	}
}

// keyEvent is an event and the API key that caused it.
type keyEvent struct {
	kind domain.EventKind
	key  domain.APIKey
}

// wantKeyEvents fails the test unless these are the events of the user.
func (f *farm) wantKeyEvents(u *domain.User, want ...keyEvent) {
	f.Helper()
	events := f.historyOf(ports.EventQuery{UserID: u.ID()})
	if len(events) != len(want) {
		f.Fatalf("%d events, want %d:\n\t%+v", len(events), len(want), events)
	}
	for i, e := range events {
		if e.Kind != want[i].kind || e.Key != want[i].key.ID || e.KeyName != want[i].key.Name {
			f.Fatalf("event %d is %s by the key %v %q, want %s by %v %q",
				i, e.Kind, e.Key, e.KeyName, want[i].kind, want[i].key.ID, want[i].key.Name)
		}
	}
}

func historyByKey(f *farm) {
	admin, tester := f.addKey(keyName("Zoë's \U0001f642 \"laptop\"")), f.addKey(keyName("ci"))
	twin := f.addKey(keyName("ci")) // two keys may have one name
	u := f.addBy(admin.ID)
	id := domain.NewLeaseID()
	_, err := f.store.Claim(f.Context(), ports.Claim{Want: []domain.Selector{anyone}, Decide: signed(tester, granting(id))})
	f.must(err)
	_, err = f.store.Update(f.Context(), ports.ByLease(id.Digest()), signed(twin, func(now time.Time, users []*domain.User) error {
		return domain.Release(now, id, users, domain.Fault{UserID: u.ID(), Reason: "broken"})
	}))
	f.must(err)
	_, err = f.store.Update(f.Context(), ports.ByUser(u.ID()), signed(admin, func(now time.Time, users []*domain.User) error {
		return users[0].Restore(now, "mended")
	}))
	f.must(err)
	f.must(f.store.Remove(f.Context(), u.ID(), signed(tester, func(now time.Time, users []*domain.User) error {
		return users[0].Remove(now, "")
	})))
	f.wantKeyEvents(u,
		keyEvent{domain.UserCreated, admin}, keyEvent{domain.UserAcquired, tester},
		keyEvent{domain.UserReleased, twin}, keyEvent{domain.UserQuarantined, twin},
		keyEvent{domain.UserRestored, admin}, keyEvent{domain.UserRemoved, tester},
	)
}

func historyNoKey(f *farm) {
	f.addKey()
	noKey := domain.APIKey{}
	u := f.add()
	f.use(u)
	f.must(f.remove(u.ID()))
	f.wantKeyEvents(u,
		keyEvent{domain.UserCreated, noKey}, keyEvent{domain.UserAcquired, noKey},
		keyEvent{domain.UserReleased, noKey}, keyEvent{domain.UserRemoved, noKey},
	)
}

func historyExpiry(f *farm) {
	key, noKey := f.addKey(), domain.APIKey{}
	claim := func(u *domain.User) {
		f.Helper()
		_, err := f.store.Claim(f.Context(), ports.Claim{
			Want: []domain.Selector{named(u)}, Decide: signed(key, granting(domain.NewLeaseID())),
		})
		f.must(err)
	}
	taken, removed, ended := f.add(), f.add(), f.add()
	for _, u := range []*domain.User{taken, removed, ended} {
		claim(u)
	}
	f.advance(ttl)
	claim(taken)
	f.must(f.store.Remove(f.Context(), removed.ID(), signed(key, func(now time.Time, users []*domain.User) error {
		return users[0].Remove(now, "")
	})))
	f.endExpired()
	created, acquired := keyEvent{domain.UserCreated, noKey}, keyEvent{domain.UserAcquired, key}
	expired := keyEvent{domain.UserExpired, noKey}
	f.wantKeyEvents(taken, created, acquired, expired, acquired)
	f.wantKeyEvents(removed, created, acquired, expired, keyEvent{domain.UserRemoved, key})
	f.wantKeyEvents(ended, created, acquired, expired)
}

func historyKeyInLine(f *farm) {
	first, second := f.addKey(keyName("first")), f.addKey(keyName("second"))
	u := f.add()
	held := f.acquire(anyone)
	var line []*waiter
	for _, key := range []domain.APIKey{first, second} {
		decide := signed(key, func(now time.Time, users []*domain.User) error { return users[0].LockOpen(now, 0) })
		line = append(line, f.standFor(ports.Claim{Want: []domain.Selector{anyone}, Wait: domain.MaxWait, Decide: decide}))
	}
	f.must(f.release(held.ID))
	line[0].served()
	f.must(f.releaseOpen(u.ID()))
	line[1].served()
	noKey := domain.APIKey{}
	f.wantKeyEvents(u,
		keyEvent{domain.UserCreated, noKey}, keyEvent{domain.UserAcquired, noKey}, keyEvent{domain.UserReleased, noKey},
		keyEvent{domain.UserAcquired, first}, keyEvent{domain.UserReleased, noKey}, keyEvent{domain.UserAcquired, second},
	)
}

func historyUnknownKey(f *farm) {
	f.addKey()
	unknown := f.buildKey()
	u := f.addBy(unknown.ID)
	unknown.Name = "" // an unknown key has no name
	f.wantKeyEvents(u, keyEvent{domain.UserCreated, unknown})
}

func historyKeyRestart(f *farm) {
	gone, expired := f.addKey(keyName("gone")), f.addKey(keyName("expired"), expiringAt(f.born.Add(instant)))
	u := f.addBy(gone.ID)
	_, err := f.store.Claim(f.Context(), ports.Claim{
		Want: []domain.Selector{anyone}, Decide: signed(expired, granting(domain.NewLeaseID())),
	})
	f.must(err)
	f.advance(instant)
	f.revokeKey(gone.ID)
	before := f.historyOf(ports.EventQuery{})
	f.restart()
	f.wantKeyEvents(u, keyEvent{domain.UserCreated, gone}, keyEvent{domain.UserAcquired, expired})
	if got := f.historyOf(ports.EventQuery{}); !sameEvents(got, before) {
		f.Fatalf("the history is\n\t%+v, and was\n\t%+v", got, before)
	}
}

func historyForeignKey(f *farm) {
	all := f.addKey(keyName("for all"))
	both := f.addKey(keyName("for both"), keyScope(domain.Only(projectA, projectB)))
	one := f.addKey(keyName("for one"), keyScope(domain.Only(projectA)))
	for _, key := range []domain.APIKey{all, both, one} {
		f.addBy(key.ID)
	}
	for _, at := range []struct {
		scope domain.Scope
		names []string
	}{
		{domain.Scope{}, []string{"for all", "for both", "for one"}},
		{domain.Only(projectA, projectB), []string{"", "for both", "for one"}},
		{domain.Only(projectA), []string{"", "", "for one"}},
	} {
		events := f.historyOf(ports.EventQuery{Scope: at.scope})
		var names []string
		for i, e := range events {
			names = append(names, e.KeyName)
			if want := []domain.APIKey{all, both, one}[i].ID; e.Key != want {
				f.Fatalf("in scope %+v, event %d is by %v, want %v", at.scope, i, e.Key, want)
			}
		}
		if !slices.Equal(names, at.names) {
			f.Fatalf("in scope %+v, the keys are named %q, want %q", at.scope, names, at.names)
		}
	}
}
