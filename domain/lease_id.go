package domain

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
)

// LeaseID identifies a lease, and is the permission to use it: a caller that knows the id may read, renew and release the
// lease. So it is a secret, and redacts itself when it is printed or encoded. [LeaseID.Reveal] returns its text, for the
// answer to the holder.
type LeaseID [16]byte

// NewLeaseID returns a new UUID of version 4. In version 7, a timestamp would take half of the bits that make the id
// unguessable. RFC 9562 (section 8) also requires version 4 where an id grants access.
func NewLeaseID() LeaseID {
	var random [16]byte
	_, _ = rand.Read(random[:]) // never fails, by its documentation
	return leaseID(random)
}

func leaseID(random [16]byte) LeaseID {
	id := LeaseID(random)
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return id
}

// Reveal returns the id itself, in the canonical form of a UUID.
func (id LeaseID) Reveal() string { return canonical(id) }

// Digest returns the digest that users and stores keep instead of the id.
func (id LeaseID) Digest() LeaseDigest { return sha256.Sum256(id[:]) }

// String redacts the id.
func (LeaseID) String() string { return redacted }

// GoString redacts the id, for printers that are not fmt.
func (LeaseID) GoString() string { return redacted }

// Format redacts the id, whatever the verb.
func (LeaseID) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalJSON redacts the id.
func (LeaseID) MarshalJSON() ([]byte, error) { return json.Marshal(redacted) }

// LogValue redacts the id.
func (LeaseID) LogValue() slog.Value { return slog.StringValue(redacted) }

// LeaseDigest is the SHA-256 of a lease id. It identifies a lease but does not permit to use it: a stolen backup of a store
// gives access to no lease. The zero value is no lease.
type LeaseDigest [sha256.Size]byte

// IsZero reports whether there is no lease.
func (d LeaseDigest) IsZero() bool { return d == LeaseDigest{} }
