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

// TOTP generates the one-time codes of an account whose second factor is an authenticator app (RFC 6238). The zero value is
// for an account without one. Values are equal if they generate the same codes.
type TOTP struct {
	secret    Secret // raw bytes
	algorithm string // of [totpHashes]
	digits    int
	period    int64 // seconds
}

var totpHashes = map[string]func() hash.Hash{"SHA1": sha1.New, "SHA256": sha256.New, "SHA512": sha512.New}

var totpEncoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// ParseTOTP parses what a site shows when a person sets up an authenticator app. This is a secret in base32, which may have
// spaces, hyphens and lower case, or the otpauth URI of the QR code. The URI may set SHA1, SHA256 or SHA512, from 6 to 8
// digits, and a period of whole seconds up to a day. It returns an [InvalidError] about /totp_secret that does not quote the
// text.
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
		return TOTP{}, errors.New("must be an otpauth://totp/ URI: counter-based codes (HOTP) are not supported")
	}
	parameters, err := url.ParseQuery(uri.RawQuery)
	if err != nil {
		return TOTP{}, errors.New("must have a valid query")
	}
	return totp, totp.readParameters(parameters)
}

// readParameters reads the parameters that affect codes.
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
	// The decoder ignores line breaks, and characters at the end that are too few for a byte.
	if err != nil || len(raw) == 0 || len(raw) > maxTOTPSecret || totpEncoding.EncodedLen(len(raw)) != len(text) {
		return fmt.Errorf("must have a secret of 1 to %d bytes in base32 (letters and the digits 2 to 7)", maxTOTPSecret)
	}
	t.secret = NewSecret(string(raw))
	return nil
}

// IsZero reports whether there is no second factor.
func (t TOTP) IsZero() bool { return t == TOTP{} }

// URI returns an otpauth URI that [ParseTOTP] parses to t again; an empty secret for the zero value.
func (t TOTP) URI() Secret {
	if t.IsZero() {
		return Secret{}
	}
	return NewSecret(fmt.Sprintf("otpauth://totp/userfarm?secret=%s&algorithm=%s&digits=%d&period=%d",
		totpEncoding.EncodeToString([]byte(t.secret.Reveal())), t.algorithm, t.digits, t.period))
}

// window returns the code of the time window of now, and the start and end of that window.
func (t TOTP) window(now time.Time) (code Secret, begins, ends time.Time) {
	counter := now.Unix() / t.period
	begins = time.Unix(counter*t.period, 0).UTC()
	return NewSecret(t.code(uint64(counter))), begins, begins.Add(time.Duration(t.period) * time.Second) //nolint:gosec // positive after 1970
}

// after returns the start of the next window after a time.
func (t TOTP) after(at time.Time) time.Time {
	_, _, ends := t.window(at)
	return ends
}

// code is HOTP (RFC 4226, section 5.3) with any of the hashes.
func (t TOTP) code(counter uint64) string {
	mac := hmac.New(totpHashes[t.algorithm], []byte(t.secret.Reveal()))
	_ = binary.Write(mac, binary.BigEndian, counter) // writing to a hash never fails
	sum := mac.Sum(nil)
	offset := sum[len(sum)-1] & 0x0f
	number := binary.BigEndian.Uint32(sum[offset:]) & 0x7fffffff
	text := fmt.Sprintf("%08d", number)
	return text[len(text)-t.digits:]
}
