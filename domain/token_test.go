package domain_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/userfarm/userfarm/domain"
)

func TestParseTokenReturnsTheToken(t *testing.T) {
	shape := regexp.MustCompile(`^userfarm_[a-z2-7]{40}$`)
	seen := make(map[domain.Token]bool)
	for range 1000 {
		token := domain.NewToken()
		text := token.Reveal()
		if !shape.MatchString(text) {
			t.Fatalf("a token of %d characters is not %v", len(text), shape)
		}
		again, err := domain.ParseToken(text)
		if err != nil || again != token || again.Digest() != token.Digest() {
			t.Fatalf("a token does not come back (%v)", err)
		}
		if seen[token] || token.IsZero() {
			t.Fatal("a token was made twice, or is none")
		}
		seen[token] = true
	}
}

func TestTheDigestIsTheSHA256OfTheText(t *testing.T) {
	token := domain.NewToken()
	if token.Digest() != sha256.Sum256([]byte(token.Reveal())) {
		t.Error("it is something else")
	}
}

// tokenRules are the rules that a bad token can break.
var tokenRules = []string{
	"malformed API key: it must begin with userfarm_",
	"malformed API key: it must have 40 characters after userfarm_",
	"malformed API key: its checksum does not fit, so a character of it must be wrong",
}

// wantMalformed fails the test unless the text is rejected with an error that names the rule and does not quote the text.
func wantMalformed(t *testing.T, text string) (rule string) {
	t.Helper()
	token, err := domain.ParseToken(text)
	if !errors.Is(err, domain.ErrMalformedToken) || !token.IsZero() {
		t.Fatalf("a text of %d characters: token %v, error %v", len(text), !token.IsZero(), err)
	}
	if rule = err.Error(); !slices.Contains(tokenRules, rule) {
		t.Errorf("%q is no rule", rule)
	}
	return rule
}

func TestATokenWithAWrongCharacterIsRejected(t *testing.T) {
	text := domain.NewToken().Reveal()
	for i := range len(text) {
		for c := range 256 {
			if byte(c) != text[i] {
				wantMalformed(t, text[:i]+string([]byte{byte(c)})+text[i+1:])
			}
		}
		wantMalformed(t, text[:i])
		wantMalformed(t, text[i+1:])
		wantMalformed(t, text[:i]+text[i+1:])
		wantMalformed(t, text[:i]+text[i:i+1]+text[i:])
		wantMalformed(t, text[:i]+"\n"+text[i:])
		if i > 0 && text[i-1] != text[i] {
			wantMalformed(t, text[:i-1]+text[i:i+1]+text[i-1:i]+text[i+1:])
		}
	}
}

func TestATextThatIsNoTokenIsRejectedWithTheRule(t *testing.T) {
	text := domain.NewToken().Reveal()
	other := domain.NewToken().Reveal()
	_, encoded, _ := strings.Cut(text, "_")
	begin, length, checksum := tokenRules[0], tokenRules[1], tokenRules[2]
	for _, test := range []struct{ what, text, rule string }{
		{"nothing", "", begin},
		{"a password", "correct horse battery staple", begin},
		{"no prefix", encoded, begin},
		{"another prefix", "userform_" + encoded, begin},
		{"a prefix in capitals", "USERFARM_" + encoded, begin},
		{"a space before", " " + text, begin},
		{"a scheme before", "Bearer " + text, begin},
		{"only the prefix", "userfarm_", length},
		{"cut off", text[:len(text)-1], length},
		{"a line break after", text + "\n", length},
		{"two in one", text + other, length},
		{"padded", text + "======", length},
		{"in capitals", "userfarm_" + strings.ToUpper(encoded), checksum},
		{"two halves", text[:29] + other[29:], checksum},
		{"zeros", "userfarm_" + strings.Repeat("a", 40), checksum},
		{"line breaks", "userfarm_" + strings.Repeat("\n", 40), checksum},
		{"a digit that base32 lacks", text[:48] + "1", checksum},
	} {
		if rule := wantMalformed(t, test.text); rule != test.rule {
			t.Errorf("%s: %s, want %s", test.what, rule, test.rule)
		}
	}
}

func TestTokensAreNeverPrinted(t *testing.T) {
	token := domain.NewToken()
	text := token.Reveal()
	hidden := []string{text, text[len(text)-8:], fmt.Sprintf("%x", text), fmt.Sprintf("%d", []byte(text))}
	key, err := domain.NewAPIKey(noon, token, domain.KeySpec{Name: "ci", Role: domain.Tester})
	must(t, err)
	for name, value := range map[string]any{
		"a token":          token,
		"a pointer to one": &token,
		"a field":          struct{ Token domain.Token }{token},
		"a hidden field":   struct{ token domain.Token }{token},
		"its API key":      key,
		"a view of it":     key.View(noon),
		"its caller":       key.Caller(),
	} {
		wantRedacted(t, name, value, hidden)
	}
	if token.String() != "[redacted]" {
		t.Errorf("it prints as %q", token.String())
	}
}

func TestTheZeroTokenIsNone(t *testing.T) {
	var none domain.Token
	if !none.IsZero() || none.Reveal() != "" || none.String() != "[redacted]" {
		t.Error("the zero token is one")
	}
}

func FuzzParseToken(f *testing.F) {
	valid := domain.NewToken().Reveal()
	for _, text := range []string{
		"", "userfarm_", valid, valid[1:], valid[:48], strings.ToUpper(valid), valid + valid,
		"userfarm_" + strings.Repeat("a", 40), "userfarm_" + strings.Repeat("=", 40), "\xffuserfarm_", "userfarm_" + strings.Repeat("\n", 40),
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		token, err := domain.ParseToken(text)
		if err != nil {
			wantMalformed(t, text)
			return
		}
		if token.Reveal() != text {
			t.Error("a token can be spelled in two ways")
		}
	})
}
