package domain

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // what RFC 6238 and nearly every site uses; HMAC does not suffer from its collisions
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	maxTOTPText   = 1024
	maxTOTPSecret = 128          // bytes; the longest hash that makes a secret has 64
	maxTOTPPeriod = 24 * 60 * 60 // seconds
	defaultPeriod = 30           // seconds
	defaultDigits = 6
)

// TOTP makes the one-time codes of an account whose second factor is an authenticator app (RFC 6238). The zero value makes
// none: the account has no such factor. Values are equal if they make the same codes.
type TOTP struct {
	secret    Secret // raw bytes
	algorithm string // of [totpHashes]
	digits    int
	period    int64 // seconds
}

var totpHashes = map[string]func() hash.Hash{"SHA1": sha1.New, "SHA256": sha256.New, "SHA512": sha512.New}

var totpEncoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// ParseTOTP reads what a site shows to who sets up an authenticator app: a secret in base32, as people copy it, with
// spaces, hyphens and in lower case if they like; or the otpauth URI of its QR code, which may set SHA1, SHA256 or SHA512,
// from 6 to 8 digits and any period of whole seconds up to a day. It returns an [InvalidError] about /totp_secret that does
// not quote the text.
func ParseTOTP(text string) (TOTP, error) {
	totp, err := parseTOTP(text)
	if err != nil {
		return TOTP{}, Invalid("/totp_secret", err.Error())
	}
	return totp, nil
}

func parseTOTP(text string) (TOTP, error) {
	if len(text) > maxTOTPText {
		return TOTP{}, fmt.Errorf("must have at most %d characters", maxTOTPText)
	}
	totp := TOTP{algorithm: "SHA1", digits: defaultDigits, period: defaultPeriod}
	if !strings.Contains(text, ":") {
		return totp, totp.readSecret(text)
	}
	uri, err := url.Parse(text)
	if err != nil || !strings.EqualFold(uri.Scheme, "otpauth") {
		return TOTP{}, errors.New("must be base32 or an otpauth:// URI")
	}
	if !strings.EqualFold(uri.Host, "totp") {
		return TOTP{}, errors.New("must be an otpauth://totp/ URI: codes that count uses instead of time are not known here")
	}
	parameters, err := url.ParseQuery(uri.RawQuery)
	if err != nil {
		return TOTP{}, errors.New("must have a query that can be read")
	}
	return totp, totp.readParameters(parameters)
}

// readParameters reads those of the parameters that make a difference to codes.
func (t *TOTP) readParameters(parameters url.Values) error {
	for _, name := range []string{"secret", "algorithm", "digits", "period"} {
		if len(parameters[name]) > 1 {
			return fmt.Errorf("must have the parameter %s only once", name)
		}
	}
	if parameters.Has("algorithm") {
		t.algorithm = strings.ToUpper(parameters.Get("algorithm"))
		if totpHashes[t.algorithm] == nil {
			return errors.New("must have the algorithm SHA1, SHA256 or SHA512")
		}
	}
	if parameters.Has("digits") {
		digits, err := strconv.Atoi(parameters.Get("digits"))
		if err != nil || digits < 6 || digits > 8 {
			return errors.New("must have from 6 to 8 digits")
		}
		t.digits = digits
	}
	if parameters.Has("period") {
		period, err := strconv.ParseInt(parameters.Get("period"), 10, 64)
		if err != nil || period < 1 || period > maxTOTPPeriod {
			return fmt.Errorf("must have a period of 1 to %d seconds", maxTOTPPeriod)
		}
		t.period = period
	}
	return t.readSecret(parameters.Get("secret"))
}

func (t *TOTP) readSecret(text string) error {
	text = strings.TrimRight(strings.ToUpper(strings.NewReplacer(" ", "", "-", "").Replace(text)), "=")
	raw, err := totpEncoding.DecodeString(text)
	// The decoder passes over line breaks, and over characters at the end that are too few for a byte.
	if err != nil || len(raw) == 0 || len(raw) > maxTOTPSecret || totpEncoding.EncodedLen(len(raw)) != len(text) {
		return fmt.Errorf("must have a secret of 1 to %d bytes in base32 (letters and the digits 2 to 7)", maxTOTPSecret)
	}
	t.secret = NewSecret(string(raw))
	return nil
}

// IsZero reports whether there is no second factor.
func (t TOTP) IsZero() bool { return t == TOTP{} }

// URI returns the otpauth URI from which [ParseTOTP] makes t again; an empty secret for the zero value.
func (t TOTP) URI() Secret {
	if t.IsZero() {
		return Secret{}
	}
	return NewSecret(fmt.Sprintf("otpauth://totp/userfarm?secret=%s&algorithm=%s&digits=%d&period=%d",
		totpEncoding.EncodeToString([]byte(t.secret.Reveal())), t.algorithm, t.digits, t.period))
}

// window returns the code of the time window that now is in, and when that begins and ends.
func (t TOTP) window(now time.Time) (code Secret, begins, ends time.Time) {
	counter := now.Unix() / t.period
	begins = time.Unix(counter*t.period, 0).UTC()
	return NewSecret(t.code(uint64(counter))), begins, begins.Add(time.Duration(t.period) * time.Second) //nolint:gosec // positive after 1970
}

// after returns when the first window begins that begins after a time.
func (t TOTP) after(at time.Time) time.Time {
	_, _, ends := t.window(at)
	return ends
}

// code is HOTP (RFC 4226, section 5.3) with any of the hashes.
func (t TOTP) code(counter uint64) string {
	mac := hmac.New(totpHashes[t.algorithm], []byte(t.secret.Reveal()))
	_ = binary.Write(mac, binary.BigEndian, counter) // a hash takes everything
	sum := mac.Sum(nil)
	offset := sum[len(sum)-1] & 0x0f
	number := binary.BigEndian.Uint32(sum[offset:]) & 0x7fffffff
	text := fmt.Sprintf("%08d", number)
	return text[len(text)-t.digits:]
}

// OneTimeCode is a code for the second factor.
type OneTimeCode struct {
	Code      Secret
	ExpiresAt time.Time     // when the next code takes its place
	Remaining time.Duration // until then
}

// CodeUsedError is an [ErrCodeUsed] that says when there will be another code.
type CodeUsedError struct{ Wait time.Duration }

// Error says so.
func (e *CodeUsedError) Error() string {
	return fmt.Sprintf("%v: the next one comes in %v", ErrCodeUsed, e.Wait)
}

// Unwrap returns [ErrCodeUsed].
func (*CodeUsedError) Unwrap() error { return ErrCodeUsed }

// GiveCode returns the current code of a user to the holder of the lease that has these users, and never the same code
// again: most sites reject a code that was used. It returns [ErrLeaseExpired] if the lease is over, [ErrLeaseNotFound] if
// there are no users, [ErrUserNotFound] if the user is not among them, [ErrNoTOTP] if the user has no second factor, and a
// [CodeUsedError] if the current code was given out.
func GiveCode(now time.Time, id LeaseID, users []*User, of UserID) (OneTimeCode, error) {
	if err := checkHeld(now, id, users); err != nil {
		return OneTimeCode{}, err
	}
	at := slices.IndexFunc(users, func(u *User) bool { return u.ID() == of })
	if at < 0 {
		return OneTimeCode{}, ErrUserNotFound
	}
	user := users[at]
	if user.state.TOTP.IsZero() {
		return OneTimeCode{}, ErrNoTOTP
	}
	code, begins, ends := user.state.TOTP.window(now)
	// The beginning of the window of the latest code is kept, and not its counter: what comes after it is new also with
	// another period, with another secret that is then changed back, and by a clock that was set back.
	if last := user.state.LastCodeAt; !begins.After(last) {
		return OneTimeCode{}, &CodeUsedError{Wait: user.state.TOTP.after(last).Sub(now)}
	}
	user.state.LastCodeAt = begins
	return OneTimeCode{Code: code, ExpiresAt: ends, Remaining: ends.Sub(now)}, nil
}
