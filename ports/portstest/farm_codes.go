package portstest

import (
	"time"

	"github.com/userfarm/userfarm/domain"
)

var farmCodeTests = []farmTest{
	{"gives each code once", codesAreGivenOnce},
	{"waits for the next code", codesAreAwaited},
	{"gives codes of users of the lease that have a second factor", codesAreOfUsers},
}

// withTOTP gives a user codes that change each period.
func (g *guest) withTOTP(period string) func(*domain.Spec) {
	totp, err := domain.ParseTOTP("otpauth://totp/x?secret=JBSWY3DPEHPK3PXP&period=" + period)
	g.must(err)
	return func(s *domain.Spec) { s.TOTP = totp }
}

func codesAreGivenOnce(g *guest) {
	user := g.create(g.withTOTP("86400"))
	if !user.HasTOTP {
		g.Error("the user has no second factor")
	}
	lease := g.acquire(anyone)
	if !lease.Users[0].HasTOTP {
		g.Error("the user of the lease has no second factor")
	}
	code, err := g.Farm.OneTimeCode(g.Context(), lease.ID, user.ID, domain.CodeTerms{})
	g.must(err)
	if len(code.Code.Reveal()) != 6 || code.ExpiresAt.IsZero() || code.Remaining <= 0 {
		g.Errorf("a code of %d digits is valid for %v, until %v", len(code.Code.Reveal()), code.Remaining, code.ExpiresAt)
	}
	_, err = g.Farm.OneTimeCode(g.Context(), lease.ID, user.ID, domain.CodeTerms{})
	g.wantErr("the same code again", err, domain.ErrCodeUsed)
	if next := errorAs[*domain.NextCodeError](g, "the same code again", err); next.Wait <= 0 || next.Wait > 24*time.Hour {
		g.Errorf("the next code comes in %v", next.Wait)
	}
}

func codesAreAwaited(g *guest) {
	user := g.create(g.withTOTP("1"))
	lease := g.acquire(anyone)
	first, err := g.Farm.OneTimeCode(g.Context(), lease.ID, user.ID, domain.CodeTerms{})
	g.must(err)
	second, err := g.Farm.OneTimeCode(g.Context(), lease.ID, user.ID, domain.CodeTerms{Wait: domain.MaxWait})
	g.must(err)
	if !second.ExpiresAt.After(first.ExpiresAt) {
		g.Errorf("the next code expires at %v, and the one before at %v", second.ExpiresAt, first.ExpiresAt)
	}
}

func codesAreOfUsers(g *guest) {
	plain, other := g.create(), g.create(g.withTOTP("30"))
	lease := g.acquire(g.named(plain))
	_, err := g.Farm.OneTimeCode(g.Context(), lease.ID, plain.ID, domain.CodeTerms{})
	g.wantErr("a user without a second factor", err, domain.ErrNoTOTP)
	for _, id := range []domain.UserID{other.ID, {}} {
		_, err = g.Farm.OneTimeCode(g.Context(), lease.ID, id, domain.CodeTerms{})
		g.wantErr("a user outside of the lease", err, domain.ErrUserNotFound)
	}
	_, err = g.Farm.OneTimeCode(g.Context(), lease.ID, plain.ID, domain.CodeTerms{Wait: -time.Second, MinRemaining: -time.Second})
	g.wantFields("bad terms", err, "/wait_seconds", "/min_remaining_seconds")
}
