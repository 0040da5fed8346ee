package domain_test

import (
	"bytes"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/userfarm/userfarm/domain"
)

func parseTOTP(t testing.TB, text string) domain.TOTP {
	t.Helper()
	totp, err := domain.ParseTOTP(text)
	must(t, err)
	return totp
}

// holder is the holder of a user with a second factor, whose lease does not expire.
type holder struct {
	lease domain.LeaseID
	user  *domain.User
}

func hold(t testing.TB, totp domain.TOTP, since time.Time) holder {
	t.Helper()
	h := holder{lease: domain.NewLeaseID(), user: newUser("ann", nil)}
	must(t, h.user.Change(noon, domain.Change{TOTP: &totp}))
	_, err := domain.Grant(since, h.lease, domain.Terms{TTL: 1<<63 - 1}, []*domain.User{h.user})
	must(t, err)
	return h
}

func (h holder) code(now time.Time) (domain.OneTimeCode, error) {
	return h.codeFor(now, 0)
}

// codeFor returns a code that is valid for at least so long.
func (h holder) codeFor(now time.Time, least time.Duration) (domain.OneTimeCode, error) {
	return domain.GiveCode(now, h.lease, []*domain.User{h.user}, h.user.ID(), least)
}

// codeAt returns the code at a time.
func codeAt(t testing.TB, totp domain.TOTP, now time.Time) string {
	t.Helper()
	code, err := hold(t, totp, now).code(now)
	must(t, err)
	return code.Code.Reveal()
}

// The test vectors are from RFC 6238, appendix B.
func TestCodesAreThoseOfRFC6238(t *testing.T) {
	const seed = "1234567890"
	seeds := map[string]string{
		"SHA1":   strings.Repeat(seed, 2),
		"SHA256": strings.Repeat(seed, 3) + "12",
		"SHA512": strings.Repeat(seed, 6) + "1234",
	}
	for _, vector := range []struct {
		seconds              int64
		sha1, sha256, sha512 string
	}{
		{59, "94287082", "46119246", "90693936"},
		{1111111109, "07081804", "68084774", "25091201"},
		{1111111111, "14050471", "67062674", "99943326"},
		{1234567890, "89005924", "91819424", "93441116"},
		{2000000000, "69279037", "90698825", "38618901"},
		{20000000000, "65353130", "77737706", "47863826"},
	} {
		for algorithm, want := range map[string]string{"SHA1": vector.sha1, "SHA256": vector.sha256, "SHA512": vector.sha512} {
			secret := base32.StdEncoding.EncodeToString([]byte(seeds[algorithm]))
			for digits := 6; digits <= 8; digits++ {
				uri := fmt.Sprintf("otpauth://totp/rfc:6238?secret=%s&algorithm=%s&digits=%d", url.QueryEscape(secret), algorithm, digits)
				if got := codeAt(t, parseTOTP(t, uri), time.Unix(vector.seconds, 0)); got != want[8-digits:] {
					t.Errorf("%s with %d digits at %d is %s, want %s", algorithm, digits, vector.seconds, got, want[8-digits:])
				}
			}
		}
	}
}

func TestTheDefaultsAreSHA1SixDigitsAnd30Seconds(t *testing.T) {
	const secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
	want := parseTOTP(t, "otpauth://totp/site?secret="+secret+"&algorithm=SHA1&digits=6&period=30")
	for _, text := range []string{secret, "otpauth://totp/site?secret=" + secret} {
		if parseTOTP(t, text) != want {
			t.Errorf("%s makes other codes", text)
		}
	}
	if got := codeAt(t, want, time.Unix(59, 0)); got != "287082" {
		t.Errorf("the code is %s", got)
	}
}

func TestSecretsMayHaveSpacesHyphensAndLowerCase(t *testing.T) {
	want := parseTOTP(t, "JBSWY3DPEHPK3PXPAA")
	for _, text := range []string{
		"jbswy3dpehpk3pxpaa",
		"JBSW Y3DP EHPK 3PXP AA",
		" jbsw-y3dp-ehpk-3pxp-aa ",
		"JBSWY3DPEHPK3PXPAA======",
		"otpauth://totp/?secret=JBSWY3DPEHPK3PXPAA",
		"otpauth://totp?secret=JBSWY3DPEHPK3PXPAA",
		"OTPAUTH://TOTP/Some%20Site:ann@example.com?issuer=Some+Site&secret=jbsw+y3dp+ehpk+3pxp+aa&image=x",
		"otpauth://totp/site:ann?secret=JBSWY3DPEHPK3PXPAA%3D%3D%3D%3D%3D%3D&algorithm=sha1",
		"JBSW Y3DP\r\nEHPK 3PXP\tAA\n",
		"JBSW\u00a0Y3DP\u202fEHPK\u20073PXP\u3000AA",
		"\ufeffJBSW\u200bY3DP\u2060EHPK\u00ad3PXP\u200eAA",
		"jbsw\u2011y3dp\u2013ehpk\u20143pxp\u2010aa",
		" \u00a0otpauth://totp/Some Site:ann?issuer=Some Site&secret=JBSW Y3DP EHPK 3PXP AA\u200b\n",
		"otpauth://totp/site:ann\n?secret=JBSWY3DP\r\n EHPK3PXPAA\n&digits=\n6",
		"otpauth://totp/site?secret=JBSW%C2%A0Y3DP%0AEHPK3PXPAA&digits=%206&period=30+",
		"otpauth://totp/site?SECRET=JBSWY3DPEHPK3PXPAA&Digits=6&pErIoD=30&ALGORITHM=SHA1&Image=x&Issuer=y",
		"otpauth://totp/steam@example.com?secret=JBSWY3DPEHPK3PXPAA&issuer=Steamworks",
	} {
		if parseTOTP(t, text) != want {
			t.Errorf("%q makes other codes", text)
		}
	}
	if got := parseTOTP(t, base32.StdEncoding.EncodeToString(make([]byte, 128))); got.IsZero() {
		t.Error("a long secret is none")
	}
}

func TestAlgorithmsMayBeSpelledInAnyCommonWay(t *testing.T) {
	for want, spellings := range map[string][]string{
		"SHA1":   {"SHA-1", "sha1", "sha-1", "Sha 1", "HmacSHA1", "HMAC-SHA-1", "%20SHA1%0A"},
		"SHA256": {"SHA-256", "sha256", "sha-256", "SHA+256", "HmacSHA256"},
		"SHA512": {"SHA-512", "sha512", "sha-512", "SHA\u00a0512", "hmacsha512"},
	} {
		const uri = "otpauth://totp/site?secret=JBSWY3DPEHPK3PXP&algorithm="
		for _, spelling := range spellings {
			if parseTOTP(t, uri+spelling) != parseTOTP(t, uri+want) {
				t.Errorf("%s is not %s", spelling, want)
			}
		}
	}
}

// totpRules are the rules that a bad text can break.
var totpRules = []string{
	"must have at most 1024 characters",
	"must be base32 or a valid otpauth:// URI",
	"must be an otpauth://totp/ URI",
	"must be an otpauth://totp/ URI: counter-based codes (HOTP) are not supported",
	"must have a valid query",
	"must have the parameter secret only once",
	"must have the parameter algorithm only once",
	"must have the parameter digits only once",
	"must have the parameter period only once",
	"must have the algorithm SHA1, SHA256 or SHA512",
	"must have from 6 to 8 digits",
	"must have a period of 1 to 86400 seconds",
	"must have a secret of 1 to 128 bytes in base32 (letters and the digits 2 to 7)",
	"must have a complete secret: base32 can't have this number of characters, so some of them are missing, or there are too many",
	"must not be of Steam: its codes of 5 letters and digits are not supported",
	"must be of one account: exports of authenticator apps (otpauth-migration) are not supported",
}

// wantTOTPRule fails the test unless err is about /totp_secret and its detail is one of the rules.
func wantTOTPRule(t *testing.T, err error) (rule string) {
	t.Helper()
	invalid, ok := errors.AsType[*domain.InvalidError](err)
	if !ok || len(invalid.Fields) != 1 || invalid.Fields[0].Pointer != "/totp_secret" {
		t.Fatalf("error = %v, want one about /totp_secret", err)
	}
	rule = invalid.Fields[0].Detail
	if !slices.Contains(totpRules, rule) {
		t.Errorf("%q is no rule", rule)
	}
	return rule
}

func TestABadTOTPIsRejectedWithTheRule(t *testing.T) {
	const uri = "otpauth://totp/site?secret=JBSWY3DPEHPK3PXP"
	seen := make(map[string]bool)
	for text, want := range map[string]string{
		"":                               "a secret of",
		"====":                           "a secret of",
		"A":                              "a complete secret", // 1 more than 0 characters, or 3 or 6: no number of bytes
		"AAA":                            "a complete secret",
		"AAAAAA":                         "a complete secret",
		"JBSWY3DPEHPK3PXPA":              "a complete secret",
		"JBSWY3DPEHPK3PXPAAA":            "a complete secret",
		"JBSWY3DPEHPK3PXPAAAAAA":         "a complete secret",
		"JBSW Y3DP EHPK 3PXP A=":         "a complete secret",
		"otpauth://totp/site?secret=JBS": "a complete secret",
		"correct horse battery":          "a complete secret",
		"JBSWY3DPEHPK3PXP1":              "a secret of",
		"JBSWY3DP=EHPK3PXP":              "a secret of",
		"JBSWY3DP\x00EHPK3PXP":           "a secret of",
		"JBSWY3DP\u0131\u0131\u0131\u0131\u0131\u0131": "a secret of", // a dotless i is no I
		" \u00a0\u200b\n-":                                           "a secret of",
		"\xff\x00\u0130":                                             "a secret of",
		strings.Repeat("A", 207):                                     "a secret of", // 129 bytes
		"otpauth://totp/site":                                        "a secret of",
		"otpauth://totp/site?secret=":                                "a secret of",
		"otpauth://totp/site?secret=0189":                            "a secret of",
		strings.Repeat("A", 1025):                                    "at most 1024",
		uri + strings.Repeat("&x=y", 300):                            "at most 1024",
		"https://totp/site?secret=AAAAAAAA":                          "base32 or a valid",
		"secret:AAAAAAAA":                                            "base32 or a valid",
		":":                                                          "base32 or a valid",
		"otpauth://to%tp/?secret=AAAAAAAA":                           "base32 or a valid",
		"otpauth://totp/50%:ann?secret=AAAAAAAA":                     "base32 or a valid",
		"otpauth://hotp/site?secret=AAAAAAAA":                        "counter-based",
		"OTPAUTH://HOTP/site?secret=AAAAAAAA":                        "counter-based",
		"otpauth:totp?secret=AAAAAAAA":                               "otpauth://totp/",
		"otpauth://totp.example/?secret=AAAAAAAA":                    "otpauth://totp/",
		"otpauth://yaotp/ann?secret=AAAAAAAA":                        "otpauth://totp/",
		"otpauth-migration://offline?data=CjEK":                      "of one account",
		"otpauth://steam/Steam:ann?secret=AAAAAAAA&issuer=Steam":     "Steam",
		"otpauth://STEAM/ann?secret=AAAAAAAA":                        "Steam",
		"steam://AAAAAAAA":                                           "Steam",
		"otpauth://totp/Steam:ann?secret=AAAAAAAA":                   "Steam",
		"otpauth://totp/Steam%3Aann?secret=AAAAAAAA":                 "Steam",
		"otpauth://totp/ann?secret=AAAAAAAA&issuer=Steam":            "Steam",
		"otpauth://totp/ann?secret=AAAAAAAA&ISSUER=+steam":           "Steam",
		"otpauth://totp/ann?secret=AAAAAAAA&issuer=x&Issuer=Steam":   "Steam",
		"otpauth://totp/ann?secret=AAAAAAAA&period=30&encoder=steam": "Steam",
		"otpauth://totp/ann?secret=AAAAAAAA&Encoder=STEAM&digits=6":  "Steam",
		"otpauth://totp/site?secret=%zz":                             "valid query",
		uri + "&issuer=%zz":                                          "valid query",
		uri + "&x;y":                                                 "valid query",
		uri + "&secret=JBSWY3DPEHPK3PXP":                             "secret only once",
		uri + "&algorithm=SHA1&algorithm=SHA1":                       "algorithm only once",
		uri + "&digits=6&digits=8":                                   "digits only once",
		uri + "&digits=6&DIGITS=8":                                   "digits only once",
		uri + "&Secret=JBSWY3DPEHPK3PXP":                             "secret only once",
		uri + "&amp;digits=8":                                        "valid query", // not silently 6 digits
		uri + "&period=30&period=30":                                 "period only once",
		uri + "&algorithm=MD5":                                       "the algorithm SHA1",
		uri + "&algorithm=SHA224":                                    "the algorithm SHA1",
		uri + "&algorithm=HMAC":                                      "the algorithm SHA1",
		uri + "&algorithm=":                                          "the algorithm SHA1",
		uri + "&digits=5":                                            "Steam",
		uri + "&digits=4":                                            "6 to 8 digits",
		uri + "&digits=9":                                            "6 to 8 digits",
		uri + "&digits=":                                             "6 to 8 digits",
		uri + "&digits=six":                                          "6 to 8 digits",
		uri + "&period=0":                                            "a period of 1",
		uri + "&period=-30":                                          "a period of 1",
		uri + "&period=86401":                                        "a period of 1",
		uri + "&period=30s":                                          "a period of 1",
		uri + "&period=99999999999999999999":                         "a period of 1",
		uri + "&period=":                                             "a period of 1",
	} {
		totp, err := domain.ParseTOTP(text)
		if err == nil {
			t.Errorf("%q was accepted", text)
			continue
		}
		rule := wantTOTPRule(t, err)
		if seen[rule] = true; !strings.Contains(rule, want) {
			t.Errorf("%q: %s, want a rule about %s", text, rule, want)
		}
		if !totp.IsZero() {
			t.Errorf("%q returned a second factor and an error", text)
		}
	}
	for _, rule := range totpRules {
		if !seen[rule] {
			t.Errorf("nothing breaks the rule that it %s", rule)
		}
	}
}

func FuzzParseTOTP(f *testing.F) {
	for _, text := range []string{
		"", "JBSWY3DPEHPK3PXP", "jbsw y3dp-ehpk", "AA======", "A", ":", "otpauth://", "otpauth://totp/?secret=AA",
		"otpauth://totp/site:ann?secret=JBSWY3DPEHPK3PXP&algorithm=SHA512&digits=8&period=60&issuer=site",
		"OTPAUTH://TOTP?secret=aa&algorithm=sha256", "otpauth://hotp/?secret=AA&counter=1", "otpauth://totp/?secret=AA&period=1e9",
		"JBSW\u00a0Y3DP\r\nEHPK\u200b3PXP", "otpauth://totp/Steam:ann?SECRET=AA&digits=5", "otpauth://steam/?secret=AA", "otpauth://totp/a b?Algorithm=SHA-256&secret=A\nA",
		"otpauth-migration://offline?data=AA", "otpauth://totp/?secret=%41%41", "otpauth://totp/?secret=AA&secret=AA", "otpauth://u:p@totp:1/?secret=AA#x", "\xff:\x00",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		totp, err := domain.ParseTOTP(text)
		if err != nil {
			wantTOTPRule(t, err)
			return
		}
		again, err := domain.ParseTOTP(totp.URI().Reveal())
		if err != nil || again != totp || totp.IsZero() {
			t.Errorf("%q does not come back from its URI (%v)", text, err)
		}
		if codeAt(t, again, noon) != codeAt(t, totp, noon) {
			t.Errorf("%q has two codes", text)
		}
		// A text in a table, an e-mail or a terminal is broken into lines, and gets blanks.
		broken := "\u00a0" + strings.ReplaceAll(text, "A", "\n\tA\u200b ") + "\r\n"
		if same, err := domain.ParseTOTP(broken); err != nil || same != totp {
			t.Errorf("%q makes other codes than %q (%v)", broken, text, err)
		}
	})
}

func TestAURIHasAllThatDeterminesCodes(t *testing.T) {
	random := seeded(7)
	for range 2000 {
		secret := make([]byte, 1+random.IntN(128))
		for i := range secret {
			secret[i] = byte(random.Uint32())
		}
		algorithm := []string{"SHA1", "SHA256", "SHA512"}[random.IntN(3)]
		digits, period := 6+random.IntN(3), 1+random.IntN(86400)
		totp := parseTOTP(t, fmt.Sprintf("otpauth://totp/x?period=%d&digits=%d&algorithm=%s&secret=%s",
			period, digits, algorithm, url.QueryEscape(base32.StdEncoding.EncodeToString(secret))))
		again := parseTOTP(t, totp.URI().Reveal())
		if again != totp {
			t.Fatalf("%s with %d digits every %d seconds does not come back", algorithm, digits, period)
		}
		now := time.Unix(random.Int64N(1<<32), 0)
		if code := codeAt(t, totp, now); len(code) != digits || codeAt(t, again, now) != code {
			t.Fatalf("%s with %d digits has a code of %d digits, or two", algorithm, digits, len(code))
		}
	}
	if (domain.TOTP{}).URI().Reveal() != "" {
		t.Error("there is a URI of nothing")
	}
}

func TestValuesWithOtherCodesDiffer(t *testing.T) {
	seen := make(map[domain.TOTP]string)
	for _, text := range []string{
		"AAAAAAAA", "AAAAAAAB", "otpauth://totp/?secret=AAAAAAAA&digits=7", "otpauth://totp/?secret=AAAAAAAA&period=31",
		"otpauth://totp/?secret=AAAAAAAA&algorithm=SHA256", "otpauth://totp/?secret=AAAAAAAA&algorithm=SHA512",
	} {
		totp := parseTOTP(t, text)
		if other, again := seen[totp]; again {
			t.Errorf("%s is %s", text, other)
		}
		seen[totp] = text
	}
}

func TestASecondFactorIsNeverPrinted(t *testing.T) {
	const secret = "correct horse battery"
	encoded := base32.StdEncoding.EncodeToString([]byte(secret))
	totp := parseTOTP(t, encoded)
	user := newUser("ann", nil)
	must(t, user.Change(noon, domain.Change{TOTP: &totp}))
	code, err := hold(t, totp, noon).code(noon)
	must(t, err)
	hidden := []string{
		secret, strings.ToLower(encoded), strings.ToLower(encoded[:8]), fmt.Sprintf("%x", secret), fmt.Sprintf("%d", []byte(secret)),
		code.Code.Reveal(),
	}
	for name, value := range map[string]any{
		"a second factor":  totp,
		"a pointer to one": &totp,
		"its URI":          totp.URI(),
		"a hidden field":   struct{ totp domain.TOTP }{totp},
		"a code":           code,
		"a spec":           domain.Spec{TOTP: totp},
		"a change":         domain.Change{TOTP: &totp},
		"a user":           user,
		"a snapshot":       user.Snapshot(),
		"an account":       user.Account(noon),
	} {
		wantRedacted(t, name, value, hidden)
	}
}

// wantRedacted fails the test if a printed, encoded or logged form of the value has the hidden text, in lower case.
func wantRedacted(t *testing.T, name string, value any, hidden []string) {
	t.Helper()
	var printed bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "% x"} {
		fmt.Fprintf(&printed, verb+"\n", value)
	}
	must(t, json.NewEncoder(&printed).Encode(value))
	for _, handler := range []slog.Handler{slog.NewTextHandler(&printed, nil), slog.NewJSONHandler(&printed, nil)} {
		slog.New(handler).Info("logged", "value", value)
	}
	for _, h := range hidden {
		if strings.Contains(strings.ToLower(printed.String()), h) {
			t.Errorf("%s shows %q:\n%s", name, h, printed.String())
		}
	}
}

func TestViewsTellWhetherAUserHasASecondFactor(t *testing.T) {
	with := hold(t, parseTOTP(t, "JBSWY3DPEHPK3PXP"), noon)
	if lease, err := domain.ReadLease(noon, with.lease, []*domain.User{with.user}); err != nil || !lease.Users[0].HasTOTP {
		t.Errorf("the lease of a user with one is %+v (%v)", lease, err)
	}
	if !with.user.View(noon).HasTOTP {
		t.Error("the view of a user with one lacks it")
	}
	none := domain.TOTP{}
	without := with.user.Clone()
	if !without.SameAccount(with.user) {
		t.Error("a clone is another account")
	}
	must(t, without.Change(noon, domain.Change{TOTP: &none}))
	if without.SameAccount(with.user) || without.View(noon).HasTOTP {
		t.Error("a second factor was not taken away")
	}
	if !with.user.View(noon).HasTOTP {
		t.Error("a change of the clone changed the user")
	}
}
