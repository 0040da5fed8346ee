package domain

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"time"
)

// IdempotencyWindow is for how long the same key names the same call.
const IdempotencyWindow = 24 * time.Hour

const maxIdempotencyKey = 255

// IdempotencyKey is the caller's name for one call, so that a repetition of it, after an answer that was lost, does
// nothing twice. The zero value names no call. A lease's id follows from it (and from what a store keeps), so it is as
// secret as that is.
type IdempotencyKey struct{ text Secret }

// NewIdempotencyKey returns the key with this text. It returns an [InvalidError] about /Idempotency-Key.
func NewIdempotencyKey(text string) (IdempotencyKey, error) {
	var v violations
	v.name("/Idempotency-Key", text, maxIdempotencyKey)
	return IdempotencyKey{text: NewSecret(text)}, v.err()
}

// Of returns the key as the name of a call of this caller: others may use the same text for calls of their own.
func (k IdempotencyKey) Of(caller Caller) IdempotencyKey {
	if k.IsZero() || caller.Key.IsZero() {
		return k
	}
	// No text has a control character, so no other text and caller make the same.
	return IdempotencyKey{text: NewSecret(caller.Key.String() + "\x00" + k.text.Reveal())}
}

// IsZero reports whether the key names no call.
func (k IdempotencyKey) IsZero() bool { return k == IdempotencyKey{} }

// Once describes a call that is to be carried out once, in what a store may keep of it: nothing that tells the key, the
// request or what it was answered with to somebody who does not know the key. The zero value is a call that is carried
// out as often as it is made.
type Once struct {
	Key     [sha256.Size]byte // finds the call
	Request [sha256.Size]byte // is the same for the same request under the same key
	Outcome [16]byte          // what the answer is made of, when the call is repeated
}

// IsZero reports whether the call is carried out as often as it is made.
func (o Once) IsZero() bool { return o == Once{} }

// Repeats returns what a call is told whose key was used by one that was carried out before: a [RepeatedError], or
// [ErrIdempotencyMismatch] if that asked for something else.
func (o Once) Repeats(before Once) error {
	if before.Request != o.Request {
		return ErrIdempotencyMismatch
	}
	return &RepeatedError{Outcome: before.Outcome}
}

// RepeatedError says that a call was carried out before, and what came of it: nothing was done.
type RepeatedError struct {
	Outcome [16]byte // of the [Once] that was carried out
}

// Error says so.
func (*RepeatedError) Error() string { return "the call was carried out before" }

// Once returns the description of a call of an operation: what it asks for, which must be encodable as JSON, and what its
// answer is made of. It is zero if the key is.
func (k IdempotencyKey) Once(operation string, request any, outcome [16]byte) Once {
	if k.IsZero() {
		return Once{}
	}
	encoded, err := json.Marshal(request)
	if err != nil {
		panic(err) // a bug of the caller: requests are plain data
	}
	return Once{
		Key:     [sha256.Size]byte(k.mac("key "+operation, nil)),
		Request: [sha256.Size]byte(k.mac("request "+operation, encoded)),
		Outcome: outcome,
	}
}

// NewNonce returns random bytes.
func NewNonce() (nonce [16]byte) {
	_, _ = rand.Read(nonce[:]) // never fails, by its documentation
	return nonce
}

// NewLease returns the id of the lease that an acquire with this key is to get, and the description of the call. request is
// what the acquire asks for, which must be encodable as JSON. [IdempotencyKey.LeaseID] returns the same id for the outcome
// of the description. The zero key gets a random id and the zero description.
func (k IdempotencyKey) NewLease(request any) (LeaseID, Once) {
	if k.IsZero() {
		return NewLeaseID(), Once{}
	}
	nonce := NewNonce()
	return k.LeaseID(nonce), k.Once("acquire", request, nonce)
}

// LeaseID returns the id of the lease that an acquire with this key got, from the outcome that the store kept. The outcome
// alone does not tell the id. The zero key gets a random id.
func (k IdempotencyKey) LeaseID(nonce [16]byte) LeaseID {
	if k.IsZero() {
		return NewLeaseID()
	}
	return leaseID([16]byte(k.mac("lease", nonce[:])))
}

// mac is a keyed hash: of two who know the data, only who knows the key can tell it.
func (k IdempotencyKey) mac(purpose string, data []byte) []byte {
	h := hmac.New(sha256.New, []byte(k.text.Reveal()))
	h.Write([]byte("userfarm " + purpose + "\x00"))
	h.Write(data)
	return h.Sum(nil)
}
