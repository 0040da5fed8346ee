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

// TokenPrefix is the start of every token, so that people and secret scanners recognize it. The pattern of a token is
// userfarm_[a-z2-7]{40}.
const TokenPrefix = "userfarm_"

// A token is the prefix, and the base32 of random bytes and of the CRC-32 of the prefix and these bytes. 25 bytes are exactly
// 40 characters, without unused bits, so each token has only one spelling.
const (
	tokenRandom   = 21 // bytes: 168 bits
	tokenChecksum = 4
)

var tokenEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// ErrMalformedToken says that a text is not a token: it is incomplete, mistyped or something else.
var ErrMalformedToken = errors.New("malformed API key")

// Token authenticates the callers of an [APIKey]. It redacts itself like a [Secret]. The zero value is no token.
type Token struct{ text Secret }

// NewToken returns a new random token.
func NewToken() Token {
	var random [tokenRandom]byte
	_, _ = rand.Read(random[:]) // never fails, by its documentation
	return Token{NewSecret(spellToken(random[:]))}
}

func spellToken(random []byte) string {
	checksum := crc32.ChecksumIEEE(append([]byte(TokenPrefix), random...))
	return TokenPrefix + tokenEncoding.EncodeToString(binary.BigEndian.AppendUint32(random, checksum))
}

// ParseToken parses a token. The checksum shows a typing error without a store. It returns an [ErrMalformedToken] that does
// not quote the text.
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

// Digest returns the digest that a store keeps instead of the token.
func (t Token) Digest() TokenDigest { return sha256.Sum256([]byte(t.text.Reveal())) }

// String redacts the token.
func (Token) String() string { return redacted }

// TokenDigest is the SHA-256 of a token. It identifies an API key, and the token can't be computed from it. A slow hash would
// not add security, because a token has 168 random bits.
type TokenDigest [sha256.Size]byte
