package domain

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"time"
)

// IdempotencyWindow is how long a store remembers the call of an idempotency key.
const IdempotencyWindow = 24 * time.Hour

const maxIdempotencyKey = 255

// IdempotencyKey is a caller's name for one call. If the answer was lost, the caller repeats the call with the same key, and
// the call is not carried out again. The zero value is no key. A lease id can be computed from the key and what a store
// keeps, so the key is as secret as the lease id.
type IdempotencyKey struct{ text Secret }

// NewIdempotencyKey returns the key with this text. It returns an [InvalidError] about /Idempotency-Key.
func NewIdempotencyKey(text string) (IdempotencyKey, error) {
	var v violations
	v.name("/Idempotency-Key", text, maxIdempotencyKey)
	return IdempotencyKey{text: NewSecret(text)}, v.err()
}

// Reveal returns the text of the key, for a client that sends it. It is empty for the zero value.
func (k IdempotencyKey) Reveal() string { return k.text.Reveal() }

// Of returns the key for calls of this caller: keys of different callers differ even if their texts are the same.
func (k IdempotencyKey) Of(caller Caller) IdempotencyKey {
	if k.IsZero() || caller.Key.IsZero() {
		return k
	}
	// A text has no control character, so no other text and caller give the same result.
	return IdempotencyKey{text: NewSecret(caller.Key.String() + "\x00" + k.text.Reveal())}
}

// IsZero reports whether there is no key.
func (k IdempotencyKey) IsZero() bool { return k == IdempotencyKey{} }

// Once describes a call that is carried out at most once, for a store to keep. It reveals the key, the request and the
// answer only to a caller that knows the key. The zero value describes a call without a key, which is always carried out.
type Once struct {
	Key     [sha256.Size]byte // identifies the call
	Request [sha256.Size]byte // equal for equal requests with the same key
	Outcome [16]byte          // from which a repetition of the call gets its answer
}

// IsZero reports whether the call has no key.
func (o Once) IsZero() bool { return o == Once{} }

// Repeats returns the error of a call whose key was used by a call that was carried out before: a [RepeatedError] if the
// requests are equal, otherwise [ErrIdempotencyMismatch].
func (o Once) Repeats(before Once) error {
	if before.Request != o.Request {
		return ErrIdempotencyMismatch
	}
	return &RepeatedError{Outcome: before.Outcome}
}

// RepeatedError says that the call was carried out before, so that nothing was done now.
type RepeatedError struct {
	Outcome [16]byte // of the [Once] that was carried out
}

// Error says that the call was carried out before.
func (*RepeatedError) Error() string { return "the call was carried out before" }

// Once returns the description of a call. operation names its kind. request is what the call asks for, which must be
// encodable as JSON. outcome is what a repetition gets its answer from. The zero key returns the zero description.
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

// mac returns a keyed hash of data: nothing but the key and the data gives the same one.
func (k IdempotencyKey) mac(purpose string, data []byte) []byte {
	h := hmac.New(sha256.New, []byte(k.text.Reveal()))
	h.Write([]byte("userfarm " + purpose + "\x00"))
	h.Write(data)
	return h.Sum(nil)
}
