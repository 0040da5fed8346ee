package portstest

import (
	"strings"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

var sessionTests = []storeTest{
	{"keeps the session that a holder saved for the next holder", sessionKept},
	{"keeps a session of the largest size, and any text", sessionTexts},
	{"replaces a session", sessionReplaced},
	{"keeps no session that decide refused", sessionRefused},
	{"keeps the sessions of the users of a lease apart", sessionPerUser},
	{"drops a session when its user may not be used with it anymore", sessionDropped},
	{"keeps a session when its user changes in another way", sessionUnaffected},
	{"forgets a session that has expired", sessionExpires},
	{"keeps a session over a restart", sessionRestart},
	{"removes the session with its user", sessionRemoved},
}

// saveSession saves a session of a user of a lease.
func (f *farm) saveSession(id domain.LeaseID, user *domain.User, text string, expiresIn time.Duration) domain.Session {
	f.Helper()
	var saved domain.Session
	_, err := f.store.Update(f.Context(), ports.ByLease(id.Digest()), func(now time.Time, users []*domain.User) (err error) {
		saved, err = domain.SaveSession(now, id, users, user.ID(), domain.NewSession{Text: domain.NewSecret(text), ExpiresIn: expiresIn})
		return err
	})
	f.must(err)
	return saved
}

// wantSession fails the test unless the user has this session.
func (f *farm) wantSession(user *domain.User, want domain.Session) {
	f.Helper()
	got := f.get(user.ID()).Snapshot().Session
	if got == nil || got.Text != (domain.Secret{}) || !got.SavedAt.Equal(want.SavedAt) || !got.ExpiresAt.Equal(want.ExpiresAt) {
		f.Fatalf("the session of the user is %+v, want that of %v until %v, without its text", got, want.SavedAt, want.ExpiresAt)
	}
	text, err := f.store.SessionText(f.Context(), user.ID(), want.SavedAt)
	f.must(err)
	if text != want.Text {
		f.Fatalf("the text of the session has %d bytes, want %d, or other ones", len(text.Reveal()), len(want.Text.Reveal()))
	}
}

// wantNoSession fails the test unless the user has no session, and the one that it had can't be read.
func (f *farm) wantNoSession(what string, user *domain.User, before domain.Session) {
	f.Helper()
	if got := f.get(user.ID()).Snapshot().Session; got != nil {
		f.Fatalf("%s: the user has a session of %v", what, got.SavedAt)
	}
	_, err := f.store.SessionText(f.Context(), user.ID(), before.SavedAt)
	f.wantErr(what, err, domain.ErrSessionNotFound)
}

func sessionKept(f *farm) {
	u := f.add()
	f.wantNoSession("a new user", u, domain.Session{})
	lease := f.acquire(named(u))
	if !lease.Users[0].SessionSavedAt.IsZero() {
		f.Fatalf("a session was saved at %v, before any was", lease.Users[0].SessionSavedAt)
	}
	saved := f.saveSession(lease.ID, u, "cookies", 0)
	f.wantSession(u, saved)
	f.must(f.release(lease.ID))
	f.advance(time.Hour)
	next := f.acquire(named(u))
	if !next.Users[0].SessionSavedAt.Equal(saved.SavedAt) {
		f.Fatalf("the next holder sees a session of %v, want %v", next.Users[0].SessionSavedAt, saved.SavedAt)
	}
	f.wantSession(u, saved)
	f.advance(ttl) // a lease that expires leaves what was saved
	f.wantSession(u, saved)
}

func sessionTexts(f *farm) {
	u := f.add()
	lease := f.acquire(named(u))
	for _, text := range []string{strings.Repeat("x", domain.MaxSession), "\x00\x01 \u2028 \U0001F600", " ", `{"a":"\u0000"}`} {
		f.wantSession(u, f.saveSession(lease.ID, u, text, 0))
	}
}

func sessionReplaced(f *farm) {
	u := f.add()
	lease := f.acquire(named(u))
	first := f.saveSession(lease.ID, u, "first", time.Minute)
	second := f.saveSession(lease.ID, u, "second", 0)
	if !second.SavedAt.After(first.SavedAt) {
		f.Fatalf("the second session was saved at %v, and the first one at %v", second.SavedAt, first.SavedAt)
	}
	f.wantSession(u, second)
	_, err := f.store.SessionText(f.Context(), u.ID(), first.SavedAt)
	f.wantErr("the first session", err, domain.ErrSessionNotFound)
	_, err = f.store.Update(f.Context(), ports.ByLease(lease.ID.Digest()), func(now time.Time, users []*domain.User) error {
		return domain.DropSession(now, lease.ID, users, u.ID())
	})
	f.must(err)
	f.wantNoSession("a session that its holder dropped", u, second)
	f.wantSession(u, f.saveSession(lease.ID, u, "third", 0))
}

func sessionRefused(f *farm) {
	u := f.add()
	lease := f.acquire(named(u))
	saved := f.saveSession(lease.ID, u, "good", 0)
	_, err := f.store.Update(f.Context(), ports.ByLease(lease.ID.Digest()), func(now time.Time, users []*domain.User) error {
		_, err := domain.SaveSession(now, lease.ID, users, u.ID(), domain.NewSession{Text: domain.NewSecret("half")})
		f.must(err)
		return errTurnedDown
	})
	f.wantErr("decide refuses", err, errTurnedDown)
	f.wantSession(u, saved)
}

func sessionPerUser(f *farm) {
	a, b := f.add(), f.add()
	lease := f.acquire(named(a), named(b))
	ofA := f.saveSession(lease.ID, a, "of a", 0)
	f.wantNoSession("the other user", b, ofA)
	ofB := f.saveSession(lease.ID, b, "of b", 0)
	f.wantSession(a, ofA)
	f.wantSession(b, ofB)
}

func sessionDropped(f *farm) {
	password, totp := domain.NewSecret("another"), f.totp(sixDigits)
	for what, change := range map[string]func(now time.Time, u *domain.User) error{
		"another password":      func(now time.Time, u *domain.User) error { return u.Change(now, domain.Change{Password: &password}) },
		"another second factor": func(now time.Time, u *domain.User) error { return u.Change(now, domain.Change{TOTP: &totp}) },
		"quarantine":            func(now time.Time, u *domain.User) error { return u.Quarantine(now, "broken") },
		"force-release":         func(now time.Time, u *domain.User) error { return domain.ForceRelease(now, []*domain.User{u}, "") },
	} {
		u := f.add()
		lease := f.acquire(named(u))
		saved := f.saveSession(lease.ID, u, "cookies", 0)
		f.must(f.update(u.ID(), change))
		f.wantNoSession(what, u, saved)
	}
	u := f.add()
	lease := f.acquire(named(u))
	saved := f.saveSession(lease.ID, u, "cookies", 0)
	_, err := f.store.Update(f.Context(), ports.ByLease(lease.ID.Digest()), func(now time.Time, users []*domain.User) error {
		return domain.Release(now, lease.ID, users, domain.Fault{UserID: u.ID(), Reason: "broken"})
	})
	f.must(err)
	f.wantNoSession("a fault", u, saved)
}

func sessionUnaffected(f *farm) {
	u := f.add()
	lease := f.acquire(named(u))
	saved := f.saveSession(lease.ID, u, "cookies", 0)
	labels, same := domain.Labels{"role": "admin"}, u.Snapshot().Password
	for _, change := range []domain.Change{{Labels: &labels}, {Password: &same}} {
		f.must(f.update(u.ID(), func(now time.Time, u *domain.User) error { return u.Change(now, change) }))
	}
	f.must(f.release(lease.ID))
	f.must(f.lockOpen(u.ID(), 0))
	f.wantSession(u, saved)
}

func sessionExpires(f *farm) {
	u, other := f.add(), f.add()
	lease := f.acquireFor(24*time.Hour, named(u), named(other))
	saved, kept := f.saveSession(lease.ID, u, "for a minute", time.Minute), f.saveSession(lease.ID, other, "for ever", 0)
	f.advance(time.Minute - instant)
	f.forget()
	f.wantSession(u, saved)
	f.advance(2 * instant)
	read, err := f.read(lease.ID)
	f.must(err)
	if !read.Users[0].SessionSavedAt.IsZero() || !read.Users[1].SessionSavedAt.Equal(kept.SavedAt) {
		f.Fatalf("the holder sees sessions of %v and %v", read.Users[0].SessionSavedAt, read.Users[1].SessionSavedAt)
	}
	f.forget()
	_, err = f.store.SessionText(f.Context(), u.ID(), saved.SavedAt)
	f.wantErr("a session that has expired", err, domain.ErrSessionNotFound)
	f.wantSession(other, kept)
}

func sessionRestart(f *farm) {
	u := f.add()
	lease := f.acquire(named(u))
	saved := f.saveSession(lease.ID, u, "cookies", time.Hour)
	f.restart()
	f.wantSession(u, saved)
}

func sessionRemoved(f *farm) {
	u := f.add()
	lease := f.acquire(named(u))
	saved := f.saveSession(lease.ID, u, "cookies", 0)
	f.must(f.release(lease.ID))
	f.must(f.store.Remove(f.Context(), u.ID(), func(now time.Time, users []*domain.User) error { return users[0].Remove(now, "") }))
	_, err := f.store.SessionText(f.Context(), u.ID(), saved.SavedAt)
	f.wantErr("the session of a user that was removed", err, domain.ErrSessionNotFound)
}
