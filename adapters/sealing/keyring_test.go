package sealing_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/userfarm/userfarm/adapters/sealing"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
	"github.com/userfarm/userfarm/ports/portstest"
)

func TestKeyRing(t *testing.T) {
	portstest.TestSealer(t, func(t testing.TB) ports.Sealer { return ring(t, key(1), key(2)) })
}

func TestTheFirstKeySealsAndEveryKeyOpens(t *testing.T) {
	user, secret := domain.UserID{1}, domain.NewSecret("correct horse")
	sealed, by, err := ring(t, key(1)).Seal(user, secret)
	if err != nil {
		t.Fatal(err)
	}
	rotated := ring(t, key(2), key(1))
	if opened, err := rotated.Open(user, sealed); err != nil || opened != secret {
		t.Errorf("with a new first key, open = %v", err)
	}
	resealed, byNew, err := rotated.Seal(user, secret)
	if err != nil {
		t.Fatal(err)
	}
	if opened, err := ring(t, key(2)).Open(user, resealed); err != nil || opened != secret {
		t.Errorf("data of the rotated ring does not open with the first key alone: %v", err)
	}
	if _, err := ring(t, key(1)).Open(user, resealed); !errors.Is(err, ports.ErrUnsealable) {
		t.Errorf("open without the key = %v, want %v", err, ports.ErrUnsealable)
	}
	if ids := rotated.KeyIDs(); byNew != ids[0] || by != ids[1] {
		t.Errorf("sealed with %s and then with %s, want %s and %s", by, byNew, ids[1], ids[0])
	}
}

func TestKeyIDsAreDifferentAndDoNotChange(t *testing.T) {
	ids := ring(t, key(1), key(2)).KeyIDs()
	if len(ids) != 2 || ids[0] == ids[1] {
		t.Fatalf("ids of two keys = %v", ids)
	}
	if again := ring(t, key(2), key(1)).KeyIDs(); !slices.Equal(again, []string{ids[1], ids[0]}) {
		t.Errorf("in another order, ids = %v, want those of %v", again, ids)
	}
}

func TestInvalidKeyRingsAreRejected(t *testing.T) {
	for name, keys := range map[string][][]byte{
		"no key":             {},
		"a short key":        {key(1)[1:]},
		"the same key twice": {key(1), key(1)},
	} {
		if _, err := sealing.NewKeyRing(keys...); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func key(n byte) []byte { return bytes.Repeat([]byte{n}, sealing.KeySize) }

func ring(t testing.TB, keys ...[]byte) *sealing.KeyRing {
	t.Helper()
	r, err := sealing.NewKeyRing(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
