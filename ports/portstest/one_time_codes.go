package portstest

import (
	"errors"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

var oneTimeCodeTests = []storeTest{
	{"keeps the second factor of a user as it is", totpKept},
	{"keeps the second factor and the password apart", totpAndPassword},
	{"replaces or removes the second factor of a user", totpChanged},
	{"shows the holder of a lease whether there is a second factor", totpLeased},
	{"gives a code once, and the next one exactly when its period begins", codeOnce},
	{"gives no code that expires too soon, and the next one exactly when its period begins", codeExpiring},
	{"does not give the next holder a code that was given out before", codeNextHolder},
	{"keeps the codes of users apart", codePerUser},
	{"gives a code to one of many concurrent callers", codeRace},
	{"does not use up a code if decide refuses", codeRefused},
	{"remembers over a restart which codes were given out", codeRestart},
}

const (
	sixDigits   = "JBSWY3DPEHPK3PXP"
	eightDigits = "otpauth://totp/site:ann?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&algorithm=SHA512&digits=8&period=60"
)

// totp parses the text of a second factor.
func (f *farm) totp(text string) domain.TOTP {
	f.Helper()
	totp, err := domain.ParseTOTP(text)
	f.must(err)
	return totp
}

func (f *farm) withTOTP(text string) func(*domain.Spec) {
	f.Helper()
	totp := f.totp(text)
	return func(s *domain.Spec) { s.TOTP = totp }
}

// giveCode gives a code to the holder of a lease.
func (f *farm) giveCode(id domain.LeaseID, user *domain.User) (code domain.OneTimeCode, err error) {
	return f.giveCodeFor(0, id, user)
}

// giveCodeFor gives a code that is valid for at least so long.
func (f *farm) giveCodeFor(least time.Duration, id domain.LeaseID, user *domain.User) (code domain.OneTimeCode, err error) {
	_, err = f.store.Update(f.Context(), ports.ByLease(id.Digest()), func(now time.Time, users []*domain.User) (err error) {
		code, err = domain.GiveCode(now, id, users, user.ID(), least)
		return err
	})
	return code, err
}

// wantCodeUsed fails the test unless the error says that the current code was given out, and until when it is valid.
func (f *farm) wantCodeUsed(id domain.LeaseID, user *domain.User, until time.Time) {
	f.Helper()
	_, err := f.giveCode(id, user)
	used, ok := errors.AsType[*domain.NextCodeError](err)
	if !ok || used.Wait != until.Sub(f.now()) {
		f.Fatalf("got error %v, want that the code was given out and the next one is valid from %v", err, until)
	}
}

func totpKept(f *farm) {
	var users []*domain.User
	for _, text := range []string{
		sixDigits, eightDigits, "AA", "otpauth://totp/?secret=AA&period=1",
		"otpauth://totp/?secret=AA&algorithm=SHA256&digits=7&period=86400",
	} {
		users = append(users, f.add(f.withTOTP(text)))
	}
	users = append(users, f.add())
	s := f.build(f.withTOTP(eightDigits)).Snapshot()
	s.LastCodeAt = f.born.Add(7 * instant)
	moved := domain.Restore(s)
	f.must(f.store.Add(f.Context(), domain.Once{}, moved))
	users = append(users, moved)
	for range 2 {
		for _, u := range users {
			f.wantSame(f.get(u.ID()), u)
		}
		for _, listed := range f.everyone() {
			f.wantSame(listed, f.get(listed.ID()))
		}
		f.restart()
	}
}

func totpAndPassword(f *farm) {
	for _, text := range hostile {
		u := f.add(f.withTOTP(sixDigits), func(s *domain.Spec) { s.Password = domain.NewSecret(text) })
		f.wantSame(f.get(u.ID()), u)
	}
	u := f.add(f.withTOTP(sixDigits))
	s := u.Snapshot()
	s.Password = domain.NewSecret(eightDigits) // a password may look like a second factor
	f.changeTo(u, domain.Change{Password: &s.Password}, s)
	s.TOTP = f.totp(eightDigits)
	f.changeTo(u, domain.Change{TOTP: &s.TOTP}, s)
	s.Password, s.TOTP = domain.NewSecret("changed"), f.totp(sixDigits)
	f.changeTo(u, domain.Change{Password: &s.Password, TOTP: &s.TOTP}, s)
}

// changeTo changes a user and fails the test unless the user equals want then, and also after a restart.
func (f *farm) changeTo(u *domain.User, change domain.Change, want domain.Snapshot) {
	f.Helper()
	f.must(f.update(u.ID(), func(now time.Time, u *domain.User) error { return u.Change(now, change) }))
	f.wantSame(f.get(u.ID()), domain.Restore(want))
	f.restart()
	f.wantSame(f.get(u.ID()), domain.Restore(want))
}

func totpChanged(f *farm) {
	other := f.add(f.withTOTP(sixDigits))
	u := f.add(withLabels(domain.Labels{"role": "admin"}))
	s := u.Snapshot()
	for _, text := range []string{sixDigits, eightDigits, "", sixDigits} {
		s.TOTP = domain.TOTP{}
		if text != "" {
			s.TOTP = f.totp(text)
		}
		f.changeTo(u, domain.Change{TOTP: &s.TOTP}, s)
	}
	f.changeTo(u, domain.Change{}, s)
	f.wantSame(f.get(other.ID()), other)
}

func totpLeased(f *farm) {
	with, without := f.add(f.withTOTP(eightDigits)), f.add()
	lease := f.acquire(named(with), named(without))
	if !lease.Users[0].HasTOTP || lease.Users[1].HasTOTP {
		f.Fatalf("the lease is %+v", lease)
	}
	read, err := f.read(lease.ID)
	f.must(err)
	f.wantLease(read, lease)
	_, err = f.giveCode(lease.ID, without)
	f.wantErr("a code of a user without a second factor", err, domain.ErrNoTOTP)
	_, err = f.giveCode(lease.ID, f.build())
	f.wantErr("a code of a user that is not in the lease", err, domain.ErrUserNotFound)
	f.advance(ttl)
	_, err = f.giveCode(lease.ID, with)
	f.wantErr("a code after the end of the lease", err, domain.ErrLeaseExpired)
}

func codeOnce(f *farm) {
	u := f.add(f.withTOTP(sixDigits))
	lease := f.acquireFor(time.Hour, anyone)
	now := f.now()
	f.advance(now.Truncate(30 * time.Second).Add(30 * time.Second).Sub(now)) // at the end of a period, no code is given
	for range 3 {
		code, err := f.giveCode(lease.ID, u)
		f.must(err)
		now = f.now()
		if code.ExpiresAt.Sub(now) != code.Remaining || code.Remaining <= 0 || code.Remaining > 30*time.Second {
			f.Fatalf("at %v, the code is valid until %v, for %v", now, code.ExpiresAt, code.Remaining)
		}
		want := f.get(u.ID()).Snapshot()
		want.LastCodeAt = code.ExpiresAt.Add(-30 * time.Second)
		f.wantSame(f.get(u.ID()), domain.Restore(want))
		f.wantCodeUsed(lease.ID, u, code.ExpiresAt)
		f.advance(code.Remaining - instant)
		f.wantCodeUsed(lease.ID, u, code.ExpiresAt)
		f.advance(instant)
	}
}

func codeExpiring(f *farm) {
	u := f.add(f.withTOTP(sixDigits))
	lease := f.acquireFor(time.Hour, anyone)
	now := f.now()
	f.advance(now.Truncate(30 * time.Second).Add(50*time.Second + instant).Sub(now))
	before := f.get(u.ID())
	_, err := f.giveCodeFor(10*time.Second, lease.ID, u)
	next, ok := errors.AsType[*domain.NextCodeError](err)
	if !ok || !errors.Is(err, domain.ErrCodeExpiring) || next.Wait != 10*time.Second-instant {
		f.Fatalf("got error %v, want that the code expires too soon", err)
	}
	f.wantSame(f.get(u.ID()), before)
	f.advance(next.Wait)
	code, err := f.giveCodeFor(10*time.Second, lease.ID, u)
	f.must(err)
	if code.Remaining != 30*time.Second {
		f.Fatalf("the code runs for %v", code.Remaining)
	}
}

func codeNextHolder(f *farm) {
	u := f.add(f.withTOTP(eightDigits))
	first := f.acquireFor(time.Hour, anyone)
	code, err := f.giveCode(first.ID, u)
	f.must(err)
	f.must(f.release(first.ID))
	second := f.acquireFor(time.Hour, anyone)
	f.wantCodeUsed(second.ID, u, code.ExpiresAt)
	_, err = f.giveCode(first.ID, u)
	f.wantErr("a code for a holder whose lease is over", err, domain.ErrLeaseExpired)

	// Another spelling of the same secret gives the same codes.
	f.must(f.update(u.ID(), func(now time.Time, u *domain.User) error {
		return u.Change(now, domain.Change{TOTP: new(f.totp(eightDigits))})
	}))
	f.must(f.forceRelease(u.ID()))
	third := f.acquireFor(time.Hour, anyone)
	f.wantCodeUsed(third.ID, u, code.ExpiresAt)
	f.advance(code.Remaining)
	_, err = f.giveCode(third.ID, u)
	f.must(err)
}

func codePerUser(f *farm) {
	users := f.addMany(3, f.withTOTP(sixDigits))
	lease := f.acquire(named(users[0]), named(users[1]))
	other := f.acquire(named(users[2]))
	code, err := f.giveCode(lease.ID, users[1])
	f.must(err)
	f.wantCodeUsed(lease.ID, users[1], code.ExpiresAt)
	_, err = f.giveCode(lease.ID, users[0])
	f.must(err)
	_, err = f.giveCode(other.ID, users[2])
	f.must(err)
}

func codeRace(f *farm) {
	const n = 12
	u := f.add(f.withTOTP(sixDigits))
	lease := f.acquire(anyone)
	f.wantOutcomes(together(n, func(int) error {
		_, err := f.giveCode(lease.ID, u)
		return err
	}), 1, domain.ErrCodeUsed)
}

func codeRefused(f *farm) {
	u := f.add(f.withTOTP(sixDigits))
	lease := f.acquire(anyone)
	before := f.get(u.ID())
	_, err := f.store.Update(f.Context(), ports.ByLease(lease.ID.Digest()), func(now time.Time, users []*domain.User) error {
		if _, err := domain.GiveCode(now, lease.ID, users, u.ID(), 0); err != nil {
			return err
		}
		return errDecide
	})
	f.wantErr("Update", err, errDecide)
	f.wantSame(f.get(u.ID()), before)
	_, err = f.giveCode(lease.ID, u)
	f.must(err)
}

func codeRestart(f *farm) {
	u := f.add(f.withTOTP(sixDigits))
	lease := f.acquireFor(time.Hour, anyone)
	code, err := f.giveCode(lease.ID, u)
	f.must(err)
	before := f.get(u.ID())
	f.restart()
	f.wantSame(f.get(u.ID()), before)
	f.wantCodeUsed(lease.ID, u, code.ExpiresAt)
	f.must(f.release(lease.ID))
	f.restart()
	next := f.acquireFor(time.Hour, anyone)
	f.wantCodeUsed(next.ID, u, code.ExpiresAt)
}
