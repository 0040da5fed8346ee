// Package sealing encrypts secrets at rest with AES-256-GCM and a ring of keys: to seal is to encrypt with the first key of the
// ring, and to open is to decrypt with the key that sealed. What is sealed is bound to the id of its user, so that a sealed password
// that is copied to another user's row does not open there.
//
// The keys are in a file ([KeyFile]), which the functions [CreateKeyFile], [AddKey], [Promote] and [RemoveKey] edit while farms
// read it.
package sealing

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// KeySize is the length of a key in bytes.
const KeySize = 32

// Sealed bytes are: format (1 byte), key id (4), nonce (12), ciphertext and tag. The format and the key id are associated data,
// together with the user's id: the tag authenticates them, too.
const (
	format     = 1
	keyIDSize  = 4
	nonceSize  = 12
	headerSize = 1 + keyIDSize
)

type keyID [keyIDSize]byte

func (id keyID) String() string { return hex.EncodeToString(id[:]) }

// KeyRing implements [ports.Sealer]. It is safe for concurrent use.
type KeyRing struct {
	ids   []keyID
	boxes map[keyID]cipher.AEAD
}

var _ ports.Sealer = (*KeyRing)(nil)

// NewKeyRing returns a ring of at least one key of [KeySize] bytes; the first seals.
func NewKeyRing(keys ...[]byte) (*KeyRing, error) {
	if len(keys) == 0 {
		return nil, fmt.Errorf("sealing: no key")
	}
	ring := &KeyRing{boxes: make(map[keyID]cipher.AEAD, len(keys))}
	for i, key := range keys {
		if len(key) != KeySize {
			return nil, fmt.Errorf("sealing: key %d has %d bytes, want %d", i+1, len(key), KeySize)
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, fmt.Errorf("sealing: key %d: %w", i+1, err)
		}
		box, err := cipher.NewGCM(block)
		if err != nil {
			return nil, fmt.Errorf("sealing: key %d: %w", i+1, err)
		}
		id := idOf(key)
		if _, again := ring.boxes[id]; again {
			return nil, fmt.Errorf("sealing: key %d is in the ring already", i+1)
		}
		ring.ids = append(ring.ids, id)
		ring.boxes[id] = box
	}
	return ring, nil
}

// idOf derives the id from the key, so that a wrong key can't have the right id.
func idOf(key []byte) keyID {
	sum := sha256.Sum256(append([]byte("userfarm key id\x00"), key...))
	return keyID(sum[:keyIDSize])
}

// KeyIDs implements [ports.Sealer].
func (r *KeyRing) KeyIDs() []string {
	ids := make([]string, len(r.ids))
	for i, id := range r.ids {
		ids[i] = id.String()
	}
	return ids
}

// Seal implements [ports.Sealer].
func (r *KeyRing) Seal(user domain.UserID, secret domain.Secret) (box []byte, key string, err error) {
	id := r.ids[0]
	plain := []byte(secret.Reveal())
	sealed := make([]byte, headerSize+nonceSize, headerSize+nonceSize+len(plain)+r.boxes[id].Overhead())
	sealed[0] = format
	copy(sealed[1:], id[:])
	nonce := sealed[headerSize:]
	if _, err := rand.Read(nonce); err != nil {
		return nil, "", fmt.Errorf("sealing: %w", err)
	}
	return r.boxes[id].Seal(sealed, nonce, plain, associated(sealed[:headerSize], user)), id.String(), nil
}

// Open implements [ports.Sealer].
func (r *KeyRing) Open(user domain.UserID, sealed []byte) (domain.Secret, error) {
	if len(sealed) < headerSize+nonceSize || sealed[0] != format {
		return domain.Secret{}, fmt.Errorf("sealing: %w: not in a known format", ports.ErrUnsealable)
	}
	header, nonce, box := sealed[:headerSize], sealed[headerSize:headerSize+nonceSize], sealed[headerSize+nonceSize:]
	id := keyID(header[1:])
	aead, known := r.boxes[id]
	if !known {
		return domain.Secret{}, fmt.Errorf("sealing: %w: %v", ports.ErrUnknownKey, id)
	}
	plain, err := aead.Open(nil, nonce, box, associated(header, user))
	if err != nil {
		return domain.Secret{}, fmt.Errorf("sealing: %w: changed, or of another user", ports.ErrUnsealable)
	}
	return domain.NewSecret(string(plain)), nil
}

func associated(header []byte, user domain.UserID) []byte {
	return append(append(make([]byte, 0, headerSize+len(user)), header...), user[:]...)
}
