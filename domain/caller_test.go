package domain_test

import (
	"testing"

	"github.com/userfarm/userfarm/domain"
)

func TestEverybodyIsAnAdminOfAllProjects(t *testing.T) {
	if who := domain.Everybody(); !who.Key.IsZero() || who.Role != domain.Admin || !who.Scope.Equal(domain.Scope{}) {
		t.Errorf("everybody is %+v", who)
	}
}

func TestCallersDoNotShareIdempotencyKeys(t *testing.T) {
	key, nonce := newKey(t, "build-4711"), domain.NewNonce()
	ann, bob := domain.Caller{Key: annsKey}, domain.Caller{Key: bobsKey}
	if key.Of(domain.Everybody()) != key || !(domain.IdempotencyKey{}).Of(ann).IsZero() {
		t.Error("who needs no key has another key, or who names no call names one")
	}
	if key.Of(ann) != newKey(t, "build-4711").Of(domain.Caller{Key: annsKey, Name: "renamed", Role: domain.Admin}) {
		t.Error("the same caller names another call")
	}
	keys := []domain.IdempotencyKey{key, key.Of(ann), key.Of(bob), newKey(t, "build-4712").Of(ann)}
	for i, a := range keys {
		for _, b := range keys[:i] {
			once, other := a.Once("acquire", "request", nonce), b.Once("acquire", "request", nonce)
			if once.Key == other.Key || once.Request == other.Request || a.LeaseID(nonce) == b.LeaseID(nonce) {
				t.Error("two callers name the same call, or are answered alike")
			}
		}
	}
	// Nobody can spell the key of somebody else.
	_, err := domain.NewIdempotencyKey(annsKey.String() + "\x00build-4711")
	wantFields(t, err, "/Idempotency-Key")
}
