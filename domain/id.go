package domain

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"time"
)

// UserID identifies a user: a UUID in its binary form.
type UserID [16]byte

// ProjectID identifies the project that a user belongs to: a UUID in its binary form. The zero value is no project.
type ProjectID [16]byte

// NewUserID returns a new UUID of version 7 (RFC 9562). Later ids sort after earlier ones, so lists in the order of ids are
// oldest first.
func NewUserID(now time.Time) UserID { return timeOrdered(now) }

// timeOrdered returns a new UUID of version 7. The 12 bits after the milliseconds are the fraction of the millisecond (RFC
// 9562, section 6.2, method 3), the rest is random.
func timeOrdered(now time.Time) (id [16]byte) {
	_, _ = rand.Read(id[8:]) // never fails, by its documentation
	fraction := now.Nanosecond() % int(time.Millisecond) << 12 / int(time.Millisecond)
	binary.BigEndian.PutUint64(id[:8], uint64(now.UnixMilli())<<16|7<<12|uint64(fraction)) //nolint:gosec // both are positive after 1970
	id[8] = id[8]&0x3f | 0x80
	return id
}

// String returns the id in the canonical form of a UUID.
func (id UserID) String() string { return canonical(id) }

// IsZero reports whether the id is unset.
func (id UserID) IsZero() bool { return id == UserID{} }

// String returns the id in the canonical form of a UUID.
func (id ProjectID) String() string { return canonical(id) }

// IsZero reports whether the id is unset.
func (id ProjectID) IsZero() bool { return id == ProjectID{} }

func canonical(id [16]byte) string {
	text := make([]byte, 0, 36)
	for i, size := 0, 0; i < len(id); i += size {
		size = 2
		switch i {
		case 0:
			size = 4
		case 10:
			size = 6
		}
		if i > 0 {
			text = append(text, '-')
		}
		text = hex.AppendEncode(text, id[i:i+size])
	}
	return string(text)
}
