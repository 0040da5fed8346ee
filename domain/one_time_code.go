package domain

import (
	"cmp"
	"fmt"
	"time"
)

// DefaultMinRemaining is how long a one-time code must be valid for if its caller does not say so.
const DefaultMinRemaining = time.Second

// OneTimeCode is a code for the second factor.
type OneTimeCode struct {
	Code      Secret
	ExpiresAt time.Time     // when the next code replaces it
	Remaining time.Duration // until then
}

// CodeTerms are what a call for a one-time code asks for.
type CodeTerms struct {
	Wait         time.Duration // how long to wait for the next code; from 0 to [MaxWait]
	MinRemaining time.Duration // how long the code must be valid for; 0 is [DefaultMinRemaining]
}

// CheckCodeTerms returns an [InvalidError] with all bad fields of t. The limit that the period of the user's codes sets for
// MinRemaining is checked by [GiveCode].
func CheckCodeTerms(t CodeTerms) error {
	var v violations
	if t.MinRemaining != 0 && (t.MinRemaining < time.Second || t.MinRemaining > maxTOTPPeriod*time.Second) {
		v.add("/min_remaining_seconds", "must be from 1 to %d", maxTOTPPeriod)
	}
	return JoinInvalid(CheckTerms(Terms{Wait: t.Wait}), v.err())
}

// NextCodeError is an [ErrCodeUsed] or [ErrCodeExpiring] with the time until the next code.
type NextCodeError struct {
	Reason error // ErrCodeUsed or ErrCodeExpiring
	Wait   time.Duration
}

// Error names the reason and the time until the next code.
func (e *NextCodeError) Error() string {
	return fmt.Sprintf("%v: the next one comes in %v", e.Reason, e.Wait)
}

// Unwrap returns the reason.
func (e *NextCodeError) Unwrap() error { return e.Reason }

// GiveCode returns the current one-time code of a user, for the holder of the lease. users are all users of the lease.
// minRemaining is how long the code must be valid for; 0 is [DefaultMinRemaining]. In the first second of its window a code
// is always valid for long enough, because no later code would be valid for longer.
//
// GiveCode returns no code twice, because most sites reject a used code. It returns an [EndedLeaseError] if the lease is over,
// [ErrLeaseNotFound] if there are no users, [ErrUserNotFound] if the user is not among them, [ErrNoTOTP] if the user has no
// second factor, an [InvalidError] about /min_remaining_seconds if that is longer than the period of the codes, and a
// [NextCodeError] if the current code was given out before or is not valid for long enough.
func GiveCode(now time.Time, id LeaseID, users []*User, of UserID, minRemaining time.Duration) (OneTimeCode, error) {
	user, err := heldUser(now, id, users, of)
	if err != nil {
		return OneTimeCode{}, err
	}
	totp := user.state.TOTP
	if totp.IsZero() {
		return OneTimeCode{}, ErrNoTOTP
	}
	minRemaining = cmp.Or(minRemaining, DefaultMinRemaining)
	if minRemaining > time.Duration(totp.period)*time.Second {
		return OneTimeCode{}, Invalid("/min_remaining_seconds",
			fmt.Sprintf("must be at most %d, the period of the user's codes", totp.period))
	}
	code, begins, ends := totp.window(now)
	// The user keeps the start of the window of the latest code, not its counter. So a code after it is new even if the period
	// changed, if the secret changed and changed back, or if the clock was set back.
	if last := user.state.LastCodeAt; !begins.After(last) {
		return OneTimeCode{}, &NextCodeError{Reason: ErrCodeUsed, Wait: totp.after(last).Sub(now)}
	}
	if remaining := ends.Sub(now); remaining < minRemaining && now.Sub(begins) >= time.Second {
		return OneTimeCode{}, &NextCodeError{Reason: ErrCodeExpiring, Wait: remaining}
	}
	user.state.LastCodeAt = begins
	return OneTimeCode{Code: code, ExpiresAt: ends, Remaining: ends.Sub(now)}, nil
}
