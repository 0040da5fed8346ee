package domain_test

import (
	"testing"

	"github.com/userfarm/userfarm/domain"
)

func TestEverybodyIsAnAdminOfAllProjects(t *testing.T) {
	if who := domain.Everybody(); !who.Key.IsZero() || who.Role != domain.Admin || !who.Scope.Equal(domain.Scope{}) {
		t.Errorf("Everybody() = %+v", who)
	}
}

func TestCallersDoNotShareIdempotencyKeys(t *testing.T) {
	key, nonce := newKey(t, "build-4711"), domain.NewNonce()
	ann, bob := domain.Caller{Key: annsKey}, domain.Caller{Key: bobsKey}
	if key.Of(domain.Everybody()) != key || !(domain.IdempotencyKey{}).Of(ann).IsZero() {
		t.Error("a caller without an API key gets another key, or the zero key is not zero for a caller")
	}
	if key.Of(ann) != newKey(t, "build-4711").Of(domain.Caller{Key: annsKey, Name: "renamed", Role: domain.Admin}) {
		t.Error("the key depends on more than the API key of the caller")
	}
	keys := []domain.IdempotencyKey{key, key.Of(ann), key.Of(bob), newKey(t, "build-4712").Of(ann)}
	for i, a := range keys {
		for _, b := range keys[:i] {
			once, other := a.Once("acquire", "request", nonce), b.Once("acquire", "request", nonce)
			if once.Key == other.Key || once.Request == other.Request || a.LeaseID(nonce) == b.LeaseID(nonce) {
				t.Error("two callers have the same call or the same lease id")
			}
		}
	}
	// A caller can't write a text that gives the key of another caller.
	_, err := domain.NewIdempotencyKey(annsKey.String() + "\x00build-4711")
	wantFields(t, err, "/Idempotency-Key")
}
