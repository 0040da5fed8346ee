package domain

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
)

// LeaseID is the right to use a lease: whoever knows it may read, renew and release. It is therefore a secret, and
// redacts itself wherever it is printed; [LeaseID.Reveal] is for the one answer that hands it over.
type LeaseID [16]byte

// NewLeaseID returns a new UUID of version 4. Version 7 would spend on a timestamp half of the bits that make the id
// unguessable, and RFC 9562 (section 8) asks for version 4 where an id grants access.
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

// Digest returns what the aggregate and the stores keep of the id.
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

// LeaseDigest is the SHA-256 of a lease id. It finds a lease but does not give the right to use it, so a lost backup
// of a store opens no lease. The zero value is no lease.
type LeaseDigest [sha256.Size]byte

// IsZero reports whether there is no lease.
func (d LeaseDigest) IsZero() bool { return d == LeaseDigest{} }
