package portstest

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// TestSealer tests that a sealer keeps the contract of [ports.Sealer]. newSealer returns a sealer, always with the same keys.
// Every subtest calls it at least once.
func TestSealer(t *testing.T, newSealer func(t testing.TB) ports.Sealer) {
	t.Helper()
	for _, test := range []struct {
		name string
		run  func(t *testing.T, newSealer func(t testing.TB) ports.Sealer)
	}{
		{"opens what it sealed", sealRoundTrip},
		{"opens what it sealed before a restart", sealRestart},
		{"hides the secret, and whether two secrets are equal", sealHides},
		{"opens a secret for no other user", sealOtherUser},
		{"does not open data that was changed", sealChanged},
		{"does not open data that it did not seal", sealForeign},
		{"does not change the data that it opens", sealUntouched},
		{"serves many callers at once", sealTogether},
		{"names its keys", sealKeyIDs},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, newSealer) })
	}
}

var (
	sealUser   = domain.UserID{1}
	sealSecret = domain.NewSecret("correct horse battery staple")
)

func seal(t *testing.T, s ports.Sealer, id domain.UserID, secret domain.Secret) []byte {
	t.Helper()
	sealed, _, err := s.Seal(id, secret)
	if err != nil {
		t.Fatalf("Seal: %v", err)
	}
	return sealed
}

// wantUnsealable fails the test if sealed opens, or if the error shows the secret.
func wantUnsealable(t *testing.T, s ports.Sealer, id domain.UserID, sealed []byte, what string) {
	t.Helper()
	secret, err := s.Open(id, sealed)
	if !errors.Is(err, ports.ErrUnsealable) {
		t.Fatalf("Open of %s: got error %v, want %v", what, err, ports.ErrUnsealable)
	}
	if secret.Reveal() != "" {
		t.Fatalf("Open of %s returned a secret together with an error", what)
	}
	if strings.Contains(err.Error(), sealSecret.Reveal()) {
		t.Fatalf("Open of %s returned an error that contains the secret", what)
	}
}

func sealRoundTrip(t *testing.T, newSealer func(t testing.TB) ports.Sealer) {
	s := newSealer(t)
	secrets := append(slices.Clone(hostile), "", "\x00", "\xff\xfe", strings.Repeat("long", 10_000))
	for i, text := range secrets {
		id := domain.UserID{0: 1, 15: byte(i)}
		opened, err := s.Open(id, seal(t, s, id, domain.NewSecret(text)))
		if err != nil || opened.Reveal() != text {
			t.Errorf("secret %d of %d bytes is not the same after Open (%v)", i, len(text), err)
		}
	}
}

func sealRestart(t *testing.T, newSealer func(t testing.TB) ports.Sealer) {
	sealed := seal(t, newSealer(t), sealUser, sealSecret)
	if opened, err := newSealer(t).Open(sealUser, sealed); err != nil || opened != sealSecret {
		t.Errorf("the secret is not the same after Open (%v)", err)
	}
}

func sealHides(t *testing.T, newSealer func(t testing.TB) ports.Sealer) {
	s := newSealer(t)
	first, second := seal(t, s, sealUser, sealSecret), seal(t, s, sealUser, sealSecret)
	if bytes.Equal(first, second) {
		t.Error("Seal returned the same data twice for one secret")
	}
	for word := range strings.FieldsSeq(sealSecret.Reveal()) {
		if bytes.Contains(first, []byte(word)) {
			t.Error("the sealed data contains a part of the secret")
		}
	}
}

func sealOtherUser(t *testing.T, newSealer func(t testing.TB) ports.Sealer) {
	s := newSealer(t)
	sealed := seal(t, s, sealUser, sealSecret)
	for _, other := range []domain.UserID{{}, {2}, {0: 1, 15: 1}, {0: 0x81}} {
		wantUnsealable(t, s, other, sealed, "what is another user's")
	}
}

func sealChanged(t *testing.T, newSealer func(t testing.TB) ports.Sealer) {
	s := newSealer(t)
	sealed := seal(t, s, sealUser, sealSecret)
	for i := range sealed {
		for bit := range 8 {
			changed := bytes.Clone(sealed)
			changed[i] ^= 1 << bit
			wantUnsealable(t, s, sealUser, changed, "a flipped bit")
		}
		wantUnsealable(t, s, sealUser, sealed[:i], "a part")
		wantUnsealable(t, s, sealUser, slices.Delete(bytes.Clone(sealed), i, i+1), "all but a byte")
	}
	wantUnsealable(t, s, sealUser, append(bytes.Clone(sealed), 0), "more than was sealed")
	wantUnsealable(t, s, sealUser, append(bytes.Clone(sealed), sealed...), "two in one")

	another := seal(t, s, sealUser, domain.NewSecret("another"))
	half := len(another) / 2
	wantUnsealable(t, s, sealUser, append(bytes.Clone(sealed[:half]), another[half:]...), "two halves")
}

func sealForeign(t *testing.T, newSealer func(t testing.TB) ports.Sealer) {
	s := newSealer(t)
	wantUnsealable(t, s, sealUser, nil, "nothing")
	wantUnsealable(t, s, sealUser, []byte{}, "an empty text")
	wantUnsealable(t, s, sealUser, []byte(sealSecret.Reveal()), "a plain text")
	for size := range 100 {
		wantUnsealable(t, s, sealUser, make([]byte, size), "zeros")
		wantUnsealable(t, s, sealUser, bytes.Repeat([]byte{1}, size), "ones")
		wantUnsealable(t, s, sealUser, bytes.Repeat([]byte{0xff}, size), "bits")
	}
}

func sealUntouched(t *testing.T, newSealer func(t testing.TB) ports.Sealer) {
	s := newSealer(t)
	sealed := seal(t, s, sealUser, sealSecret)
	before := bytes.Clone(sealed)
	for range 2 {
		if opened, err := s.Open(sealUser, sealed); err != nil || opened != sealSecret {
			t.Fatalf("the secret is not the same after Open (%v)", err)
		}
		wantUnsealable(t, s, domain.UserID{2}, sealed, "what is another user's")
	}
	if !bytes.Equal(sealed, before) {
		t.Error("Open changed the data that it got")
	}
}

func sealTogether(t *testing.T, newSealer func(t testing.TB) ports.Sealer) {
	s := newSealer(t)
	errs := together(20, func(i int) error {
		id := domain.UserID{0: 1, 15: byte(i)}
		sealed, _, err := s.Seal(id, sealSecret)
		if err != nil {
			return err
		}
		opened, err := s.Open(id, sealed)
		if err == nil && opened != sealSecret {
			return errors.New("the secret did not come back")
		}
		return err
	})
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
}

func sealKeyIDs(t *testing.T, newSealer func(t testing.TB) ports.Sealer) {
	s := newSealer(t)
	ids := s.KeyIDs()
	if len(ids) == 0 {
		t.Fatal("the sealer has no keys")
	}
	for i, id := range ids {
		other := func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) }
		if id == "" || strings.ContainsFunc(id, other) {
			t.Errorf("key id %q has characters other than letters and digits", id)
		}
		if slices.Contains(ids[:i], id) {
			t.Errorf("two keys have the id %q", id)
		}
	}
	if _, key, err := s.Seal(sealUser, sealSecret); err != nil || key != ids[0] {
		t.Errorf("Seal used the key %q (%v), want the first key %q", key, err, ids[0])
	}
	if again := newSealer(t).KeyIDs(); !slices.Equal(again, ids) {
		t.Errorf("the same keys have ids %v and %v", ids, again)
	}
}
