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
	"unicode"
	"unicode/utf8"
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

// ParseTOTP parses what a site shows when a person sets up an authenticator app. This is a secret in base32, or the otpauth
// URI of the QR code. The URI may set SHA1, SHA256 or SHA512, from 6 to 8 digits, and a period of whole seconds up to a day.
// Blanks, line breaks and invisible characters do not matter, nor do dashes in a secret, nor upper and lower case. It returns
// an [InvalidError] about /totp_secret that does not quote the text.
func ParseTOTP(text string) (TOTP, error) {
	totp, err := parseTOTP(dropBlanks(text))
	if err != nil {
		return TOTP{}, Invalid("/totp_secret", err.Error())
	}
	return totp, nil
}

// errSteam rejects the secrets of Steam Guard. Standard codes of such a secret would be rejected at every login.
var errSteam = errors.New("must not be of Steam: its codes of 5 letters and digits are not supported")

func parseTOTP(text string) (TOTP, error) {
	if utf8.RuneCountInString(text) > maxTOTPText {
		return TOTP{}, fmt.Errorf("must have at most %d characters", maxTOTPText)
	}
	totp := TOTP{algorithm: "SHA1", digits: defaultDigits, period: defaultPeriod}
	if !strings.Contains(text, ":") {
		return totp, totp.readSecret(text)
	}
	uri, err := url.Parse(text)
	if err != nil {
		return TOTP{}, errors.New("must be base32 or a valid otpauth:// URI")
	}
	if err := checkTOTPKind(uri.Scheme, strings.ToLower(uri.Host)); err != nil {
		return TOTP{}, err
	}
	query, err := url.ParseQuery(uri.RawQuery)
	if err != nil {
		return TOTP{}, errors.New("must have a valid query")
	}
	parameters := make(url.Values)
	for name, values := range query {
		name = strings.ToLower(name)
		parameters[name] = append(parameters[name], values...)
	}
	issuer, _, _ := strings.Cut(strings.TrimPrefix(uri.Path, "/"), ":")
	for _, name := range append(parameters["issuer"], parameters.Get("encoder"), issuer) {
		if strings.EqualFold(dropBlanks(name), "steam") {
			return TOTP{}, errSteam
		}
	}
	return totp, totp.readParameters(parameters)
}

// checkTOTPKind returns an error that says what a URI is for, unless it is for codes as RFC 6238 has them.
func checkTOTPKind(scheme, kind string) error {
	switch {
	case scheme == "steam" || scheme == "otpauth" && kind == "steam":
		return errSteam
	case scheme == "otpauth-migration":
		return errors.New("must be of one account: exports of authenticator apps (otpauth-migration) are not supported")
	case scheme != "otpauth":
		return errors.New("must be base32 or a valid otpauth:// URI")
	case kind == "hotp":
		return errors.New("must be an otpauth://totp/ URI: counter-based codes (HOTP) are not supported")
	case kind != "totp":
		return errors.New("must be an otpauth://totp/ URI")
	default:
		return nil
	}
}

// readParameters reads the parameters that affect codes. Their names are in lower case.
func (t *TOTP) readParameters(parameters url.Values) error {
	for _, name := range []string{"secret", "algorithm", "digits", "period"} {
		if len(parameters[name]) > 1 {
			return fmt.Errorf("must have the parameter %s only once", name)
		}
	}
	if parameters.Has("algorithm") {
		// Also as SHA-1, and as Java spells it: HmacSHA1.
		t.algorithm = strings.ToUpper(strings.ReplaceAll(dropBlanks(parameters.Get("algorithm")), "-", ""))
		t.algorithm = strings.TrimPrefix(t.algorithm, "HMAC")
		if totpHashes[t.algorithm] == nil {
			return errors.New("must have the algorithm SHA1, SHA256 or SHA512")
		}
	}
	if parameters.Has("digits") {
		digits, err := strconv.Atoi(dropBlanks(parameters.Get("digits")))
		if err == nil && digits == 5 {
			return errSteam
		}
		if err != nil || digits < 6 || digits > 8 {
			return errors.New("must have from 6 to 8 digits")
		}
		t.digits = digits
	}
	if parameters.Has("period") {
		period, err := strconv.ParseInt(dropBlanks(parameters.Get("period")), 10, 64)
		if err != nil || period < 1 || period > maxTOTPPeriod {
			return fmt.Errorf("must have a period of 1 to %d seconds", maxTOTPPeriod)
		}
		t.period = period
	}
	return t.readSecret(dropBlanks(parameters.Get("secret")))
}

func (t *TOTP) readSecret(text string) error {
	text = strings.TrimRight(strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Pd, r): // hyphens and dashes, which sites put between groups of characters
			return -1
		case 'a' <= r && r <= 'z': // no other character, unlike ToUpper, which turns a dotless i into an I
			return r - 'a' + 'A'
		default:
			return r
		}
	}, text), "=")
	raw, err := totpEncoding.DecodeString(text)
	if err != nil || text == "" || len(raw) > maxTOTPSecret {
		return fmt.Errorf("must have a secret of 1 to %d bytes in base32 (letters and the digits 2 to 7)", maxTOTPSecret)
	}
	// The decoder ignores characters at the end that are too few for a byte.
	if totpEncoding.EncodedLen(len(raw)) != len(text) {
		return errors.New("must have a complete secret: base32 can't have this number of characters, " +
			"so some of them are missing, or there are too many")
	}
	t.secret = NewSecret(string(raw))
	return nil
}

// dropBlanks returns the text without blanks, line breaks and invisible characters, which come along when people copy it.
func dropBlanks(text string) string {
	return strings.Map(func(r rune) rune {
		if IsBlank(r) {
			return -1
		}
		return r
	}, text)
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
