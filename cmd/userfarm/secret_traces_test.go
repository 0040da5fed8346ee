package main_test

import (
	"bytes"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
)

// secret is a text that must not appear in answers, logs or the store. Its traces are the forms in which it could appear.
type secret struct {
	what   string
	traces [][]byte
}

// newSecret returns a secret. The text must be unique, without characters that need escaping.
func newSecret(what, text string) secret {
	s := secret{what: what}
	s.addText(text)
	return s
}

// newUUIDSecret returns a secret whose bytes are traces, too.
func newUUIDSecret(what, text string) secret {
	s := newSecret(what, text)
	id := uuid.MustParse(text)
	s.addText(strings.ToUpper(text))
	s.addBytes(id[:])
	reversed := slices.Clone(id[:])
	slices.Reverse(reversed)
	s.addBytes(reversed)
	return s
}

// newBase32Secret returns a secret whose decoded bytes are traces, too.
func newBase32Secret(what, text string) secret {
	s := newSecret(what, text)
	s.addText(strings.ToLower(text))
	s.addText(strings.ToUpper(text))
	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ToUpper(text))
	if err != nil {
		panic(err)
	}
	s.addBytes(raw)
	return s
}

func (s *secret) addText(text string) { s.addBytes([]byte(text)) }

func (s *secret) addBytes(raw []byte) {
	inHex := hex.EncodeToString(raw)
	s.traces = append(s.traces, raw, []byte(inHex), []byte(strings.ToUpper(inHex)))
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for before := range 3 {
			s.traces = append(s.traces, inBase64(encoding, raw, before))
		}
	}
}

// inBase64 returns the base64 of raw when it follows a number of other bytes: only the characters that do not depend on those.
func inBase64(encoding *base64.Encoding, raw []byte, before int) []byte {
	encoded := encoding.EncodeToString(append(make([]byte, before), raw...))
	first, last := (before*8+5)/6, (before+len(raw))*8/6
	return []byte(encoded[first:last])
}

// isIn reports whether a trace of the secret is in text.
func (s secret) isIn(text []byte) bool {
	return slices.ContainsFunc(s.traces, func(trace []byte) bool { return bytes.Contains(text, trace) })
}

func TestTracesOfSecretsAreFound(t *testing.T) {
	const id = "8138449a-2edf-4b55-9262-93c57eedcbad"
	raw := uuid.MustParse(id)
	reversed := slices.Clone(raw[:])
	slices.Reverse(reversed)
	text := newSecret("text", "correct-horse-battery")
	for name, test := range map[string]struct {
		secret secret
		text   string
	}{
		"as it is":          {text, "xx correct-horse-battery xx"},
		"hex":               {text, `\x` + hex.EncodeToString([]byte("a correct-horse-battery b"))},
		"upper hex":         {text, strings.ToUpper(hex.EncodeToString([]byte("correct-horse-battery")))},
		"base64":            {text, base64.StdEncoding.EncodeToString([]byte("correct-horse-battery"))},
		"base64, moved":     {text, base64.StdEncoding.EncodeToString([]byte("\xffcorrect-horse-battery\xff"))},
		"base64, moved on":  {text, base64.URLEncoding.EncodeToString([]byte("\xff\xffcorrect-horse-battery\xff"))},
		"a UUID":            {newUUIDSecret("id", id), strings.ToUpper(id)},
		"bytes of a UUID":   {newUUIDSecret("id", id), "x" + string(raw[:]) + "y"},
		"hex of a UUID":     {newUUIDSecret("id", id), hex.EncodeToString(raw[:])},
		"a UUID backwards":  {newUUIDSecret("id", id), string(reversed)},
		"bytes of base32":   {newBase32Secret("totp", "ORSXG5BANVSQ"), "a test me b"},
		"base64 of a UUID":  {newUUIDSecret("id", id), base64.RawURLEncoding.EncodeToString(append([]byte{1}, raw[:]...))},
		"base32, lowercase": {newBase32Secret("totp", "ORSXG5BANVSQ"), "orsxg5banvsq"},
	} {
		if !test.secret.isIn([]byte(test.text)) {
			t.Errorf("%s: the secret is not found in %q", name, test.text)
		}
	}
	if newUUIDSecret("id", id).isIn([]byte("8138449a-2edf-4b55-9262-93c57eedcbae correct-horse-batterx")) {
		t.Error("a secret is found in a text without it")
	}
}
