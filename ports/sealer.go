package ports

import (
	"errors"
	"fmt"

	"github.com/userfarm/userfarm/domain"
)

// ErrUnsealable says that sealed bytes were changed, belong to another user, or were sealed with a key that is not at
// hand.
var ErrUnsealable = errors.New("can't open what was sealed")

// ErrUnknownKey is an [ErrUnsealable] for want of the key: it may be at hand elsewhere.
var ErrUnknownKey = fmt.Errorf("%w: its key is not at hand", ErrUnsealable)

// UnreadableError is about a user whose secrets, or other parts of its row, can't be read.
type UnreadableError struct {
	ProjectID domain.ProjectID // of the user
	Err       error
}

// Error returns the text of Err.
func (e *UnreadableError) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *UnreadableError) Unwrap() error { return e.Err }

// Sealer encrypts secrets for a store that keeps them outside of this process.
type Sealer interface {
	// Seal encrypts a secret of a user, and returns the id of the key that it used.
	Seal(id domain.UserID, secret domain.Secret) (sealed []byte, key string, err error)

	// Open decrypts what Seal returned for the same user. It returns [ErrUnsealable], which is an [ErrUnknownKey] if the key
	// is not among those that Open knows.
	Open(id domain.UserID, sealed []byte) (domain.Secret, error)

	// KeyIDs names the keys that Open knows, in letters and digits, the one that Seal uses first. A key's id does not
	// give the key away, and differs from that of every other key.
	KeyIDs() []string
}
