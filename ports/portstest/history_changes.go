package portstest

import (
	"strings"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

var historyChangeTests = []storeTest{
	{"records which fields of a user changed, also over a restart", historyChanges},
	{"records no event for a change to the same values", historyUnchanged},
	{"records what a user was added, changed and removed for, also over a restart", historyReasons},
	{"records what users were merged for", historyMergeReason},
	{"records a change of a user that is held, and which API key caused it", historyChangeOfHeld},
}

// changed returns the event of a change of a user that is not held.
func (f *farm) changed(u *domain.User, fields domain.ChangedFields) domain.Event {
	f.Helper()
	e := f.event(u, domain.UserChanged, u.Snapshot().Fence, "")
	e.Changed = fields
	return e
}

// change changes a user.
func (f *farm) change(u *domain.User, change domain.Change) {
	f.Helper()
	f.must(f.update(u.ID(), func(now time.Time, u *domain.User) error { return u.Change(now, change) }))
}

func historyChanges(f *farm) {
	u := f.add(withRole("admin"))
	want := []domain.Event{f.event(u, domain.UserCreated, 0, "")}
	for _, c := range []struct {
		change domain.Change
		fields domain.ChangedFields
	}{
		{domain.Change{Password: new(domain.NewSecret(passwordOf + "ann"))}, domain.ChangedFields{Password: true}},
		{domain.Change{Labels: &domain.Labels{"role": "plain"}}, domain.ChangedFields{Labels: true}},
		{domain.Change{TOTP: new(f.totp(sixDigits))}, domain.ChangedFields{TOTP: true}},
		{domain.Change{TOTP: new(domain.TOTP{}), Labels: &domain.Labels{}}, domain.ChangedFields{Labels: true, TOTP: true}},
		{
			domain.Change{Password: new(domain.NewSecret(passwordOf + "bob")), Labels: &domain.Labels{"a": "b"}, TOTP: new(f.totp(eightDigits))},
			domain.ChangedFields{Password: true, Labels: true, TOTP: true},
		},
	} {
		f.advance(time.Second)
		f.change(u, c.change)
		want = append(want, f.changed(u, c.fields))
	}
	f.wantHistory(ports.EventQuery{}, want...)
	f.restart()
	f.wantHistory(ports.EventQuery{UserID: u.ID()}, want...)
}

func historyReasons(f *farm) {
	for _, text := range []string{"for the checkout", "Zoë \U0001f642", "'; DROP TABLE users; --", `a\'b"c %s $1 ?`, strings.Repeat("\U0001f642", 1020)} {
		u := f.add(func(s *domain.Spec) { s.Reason = text })
		want := []domain.Event{f.event(u, domain.UserCreated, 0, text)}
		f.advance(time.Second)
		f.change(u, domain.Change{Labels: &domain.Labels{"role": "plain"}, Reason: "not " + text})
		changed := f.changed(u, domain.ChangedFields{Labels: true})
		changed.Reason = "not " + text
		f.advance(time.Second)
		f.must(f.store.Remove(f.Context(), u.ID(), func(now time.Time, users []*domain.User) error { return users[0].Remove(now, text) }))
		want = append(want, changed, f.event(u, domain.UserRemoved, 0, text))
		f.wantHistory(ports.EventQuery{UserID: u.ID()}, want...)
		f.restart()
		f.wantHistory(ports.EventQuery{UserID: u.ID()}, want...)
	}
}

func historyMergeReason(f *farm) {
	key := f.addKey(keyName("ci"))
	old, fresh := f.add(), f.build()
	f.advance(time.Second)
	f.must(f.store.Merge(f.Context(), ports.Merge{
		Users: []domain.UserID{old.ID()},
		Decide: func(now time.Time, users []*domain.User) (added []*domain.User, outcome [16]byte, err error) {
			for i, u := range []*domain.User{old, fresh} {
				s := u.Snapshot()
				row := domain.ImportRow{Login: s.Login, Pool: s.Pool, Password: &s.Password, Labels: &domain.Labels{"role": "admin"}}
				user, _, broken := domain.Caller{Key: key.ID}.Merge(now, fresh.ID(), row, "for the load test", []*domain.User{users[0], nil}[i])
				if len(broken) > 0 {
					return nil, outcome, &domain.InvalidError{Fields: broken}
				}
				if user != nil {
					added = append(added, user)
				}
			}
			return added, outcome, nil
		},
	}))
	changed := f.changed(old, domain.ChangedFields{Labels: true})
	created := f.event(fresh, domain.UserCreated, 0, "for the load test")
	changed.Reason, changed.Key, created.Key = created.Reason, key.ID, key.ID
	f.wantHistory(ports.EventQuery{UserID: old.ID(), Since: f.now()}, changed)
	f.wantHistory(ports.EventQuery{UserID: fresh.ID()}, created)
}

func historyUnchanged(f *farm) {
	u := f.add(withRole("admin"), f.withTOTP(sixDigits))
	s := u.Snapshot()
	f.change(u, domain.Change{})
	f.change(u, domain.Change{Password: &s.Password, Labels: &s.Labels, TOTP: &s.TOTP})
	f.wantKinds(u, domain.UserCreated)
	f.advance(time.Second)
	f.change(u, domain.Change{Password: &s.Password, Labels: &domain.Labels{"role": "plain"}, TOTP: &s.TOTP})
	f.wantHistory(ports.EventQuery{Since: f.now()}, f.changed(u, domain.ChangedFields{Labels: true}))
}

func historyChangeOfHeld(f *farm) {
	key := f.addKey(keyName("ci"))
	u := f.add()
	f.acquireAs("ann", anyone)
	password := domain.NewSecret("changed")
	_, err := f.store.Update(f.Context(), ports.ByUser(u.ID()), signed(key, func(now time.Time, users []*domain.User) error {
		return users[0].Change(now, domain.Change{Password: &password})
	}))
	f.must(err)
	f.advance(ttl)
	f.endExpired()
	f.wantKinds(u, domain.UserCreated, domain.UserAcquired, domain.UserChanged, domain.UserExpired)
	got := f.historyOf(ports.EventQuery{UserID: u.ID()})[2]
	if got.Owner != "ann" || got.Note != "note of ann" || got.Fence != 1 || got.Key != key.ID || got.KeyName != "ci" {
		f.Fatalf("the event of the change is %+v", got)
	}
	expired := under("ann", "note of ann", f.event(u, domain.UserExpired, 1, ""))
	expired.Held = ttl
	f.wantHistory(ports.EventQuery{Owner: "ann", After: got.ID - 1, UserID: u.ID()}, got.Event, expired)
}
