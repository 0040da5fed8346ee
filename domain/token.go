package domain

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
)

// TokenPrefix begins every token, so that people and secret scanners know one when they see it. With the rest it is
// userfarm_[a-z2-7]{40}.
const TokenPrefix = "userfarm_"

// A token is the prefix and the base32 of random bytes and of the CRC-32 of all that comes before it: 25 bytes make 40
// characters with no bit to spare, so that there is one way only to spell each.
const (
	tokenRandom   = 21 // bytes: 168 bits
	tokenChecksum = 4
)

var tokenEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// ErrMalformedToken says that a text was never a token: it is cut off, mistyped or something else altogether.
var ErrMalformedToken = errors.New("malformed API key")

// Token is what the holder of an [APIKey] proves it with. It redacts itself as a [Secret] does. The zero value is no
// token.
type Token struct{ text Secret }

// NewToken returns a token that nobody can guess.
func NewToken() Token {
	var random [tokenRandom]byte
	_, _ = rand.Read(random[:]) // never fails, by its documentation
	return Token{NewSecret(spellToken(random[:]))}
}

func spellToken(random []byte) string {
	checksum := crc32.ChecksumIEEE(append([]byte(TokenPrefix), random...))
	return TokenPrefix + tokenEncoding.EncodeToString(binary.BigEndian.AppendUint32(random, checksum))
}

// ParseToken reads a token. What was mistyped is found out without asking any store. It returns an [ErrMalformedToken]
// that does not quote the text.
func ParseToken(text string) (Token, error) {
	encoded, found := strings.CutPrefix(text, TokenPrefix)
	if !found {
		return Token{}, fmt.Errorf("%w: it must begin with %s", ErrMalformedToken, TokenPrefix)
	}
	const length = (tokenRandom + tokenChecksum) * 8 / 5
	if len(encoded) != length {
		return Token{}, fmt.Errorf("%w: it must have %d characters after %s", ErrMalformedToken, length, TokenPrefix)
	}
	raw, err := tokenEncoding.DecodeString(encoded)
	if err != nil || len(raw) != tokenRandom+tokenChecksum || spellToken(raw[:tokenRandom:tokenRandom]) != text {
		return Token{}, fmt.Errorf("%w: its checksum does not fit, so a character of it must be wrong", ErrMalformedToken)
	}
	return Token{NewSecret(text)}, nil
}

// IsZero reports whether there is no token.
func (t Token) IsZero() bool { return t == Token{} }

// Reveal returns the text.
func (t Token) Reveal() string { return t.text.Reveal() }

// Digest returns what a store keeps of the token.
func (t Token) Digest() TokenDigest { return sha256.Sum256([]byte(t.text.Reveal())) }

// String redacts the token.
func (Token) String() string { return redacted }

// TokenDigest is the SHA-256 of a token: it finds an API key, and can't be turned back into what proves it. A hash that is
// slow on purpose would add nothing, for nobody can try out 168 random bits.
type TokenDigest [sha256.Size]byte
