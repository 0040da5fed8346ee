package domain_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/userfarm/userfarm/domain"
)

func newKey(t *testing.T, text string) domain.IdempotencyKey {
	t.Helper()
	key, err := domain.NewIdempotencyKey(text)
	must(t, err)
	return key
}

func TestALeaseIDFollowsFromTheKeyAndTheNonce(t *testing.T) {
	key, nonce := newKey(t, "build-4711"), domain.NewNonce()
	id := key.LeaseID(nonce)
	if newKey(t, "build-4711").LeaseID(nonce) != id {
		t.Error("the same key and nonce make another lease id")
	}
	if key.LeaseID(domain.NewNonce()) == id || newKey(t, "build-4712").LeaseID(nonce) == id {
		t.Error("another nonce or key makes the same lease id")
	}
	if id[6]>>4 != 4 || id[8]>>6 != 2 {
		t.Errorf("%s is not a UUID of version 4", id.Reveal())
	}
	if id == domain.LeaseID(nonce) {
		t.Error("the nonce gives the lease id away")
	}
}

func TestWithoutAKeyEveryLeaseIDIsNew(t *testing.T) {
	var key domain.IdempotencyKey
	nonce := domain.NewNonce()
	if first, second := key.LeaseID(nonce), key.LeaseID(nonce); first == second {
		t.Error("the same lease id twice")
	}
	if !key.IsZero() || !key.Once("acquire", "request", nonce).IsZero() {
		t.Error("the zero key names a call")
	}
	if newKey(t, "k").IsZero() || newKey(t, "k").Once("acquire", nil, [16]byte{}).IsZero() {
		t.Error("a key names no call")
	}
}

func TestOnceDistinguishesCalls(t *testing.T) {
	key, nonce := newKey(t, "build-4711"), domain.NewNonce()
	request := map[string]int{"users": 1}
	once := key.Once("acquire", request, nonce)
	if again := key.Once("acquire", map[string]int{"users": 1}, nonce); again != once {
		t.Error("the same call is described in another way")
	}
	if retry := key.Once("acquire", request, domain.NewNonce()); retry.Key != once.Key || retry.Request != once.Request || retry.Outcome == once.Outcome {
		t.Error("a retry is not the same call with an outcome of its own")
	}
	if other := key.Once("acquire", map[string]int{"users": 2}, nonce); other.Key != once.Key || other.Request == once.Request {
		t.Error("another request is not another request under the same key")
	}
	if other := key.Once("create", request, nonce); other.Key == once.Key || other.Request == once.Request {
		t.Error("another operation finds the same call")
	}
	if other := newKey(t, "build-4712").Once("acquire", request, nonce); other.Key == once.Key || other.Request == once.Request {
		t.Error("another key finds the same call, or tells that the request is the same")
	}
}

func TestNewIdempotencyKeyChecksItsText(t *testing.T) {
	for _, text := range []string{"", strings.Repeat("k", 256), "a\x00b", "\xff"} {
		_, err := domain.NewIdempotencyKey(text)
		wantFields(t, err, "/Idempotency-Key")
	}
	longest := strings.Repeat("k", 255)
	if newKey(t, longest).Reveal() != longest || (domain.IdempotencyKey{}).Reveal() != "" {
		t.Error("a key has another text")
	}
}

func TestIdempotencyKeysAreNeverPrinted(t *testing.T) {
	const text = "correct horse"
	key := newKey(t, text)
	hidden := []string{text, hex.EncodeToString([]byte(text)), fmt.Sprintf("%d", []byte(text))}
	for name, value := range map[string]any{
		"a key":            key,
		"a pointer to one": &key,
		"a field":          struct{ Key domain.IdempotencyKey }{key},
		"a hidden field":   struct{ key domain.IdempotencyKey }{key},
		"a call":           key.Once("acquire", text, domain.NewNonce()),
	} {
		var printed bytes.Buffer
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
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
}

func TestARepetitionFindsTheIDOfTheLease(t *testing.T) {
	key := newKey(t, "build-4711")
	id, once := key.NewLease("request")
	if key.LeaseID(once.Outcome) != id || once != key.Once("acquire", "request", once.Outcome) {
		t.Error("a repetition finds another lease")
	}
	if again, other := key.NewLease("request"); again == id || other.Key != once.Key || other.Request != once.Request {
		t.Error("a second call has the same lease id, or is described as another call")
	}
	one, once := (domain.IdempotencyKey{}).NewLease("request")
	if other, _ := (domain.IdempotencyKey{}).NewLease("request"); one == other || !once.IsZero() {
		t.Error("without a key, two leases have one id, or the call is described")
	}
}
