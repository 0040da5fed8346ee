package ports

import (
	"errors"
	"fmt"

	"github.com/userfarm/userfarm/domain"
)

// ErrUnsealable says that sealed bytes can't be opened: they were changed, belong to another user, or were sealed with a key
// that this process does not have.
var ErrUnsealable = errors.New("can't open what was sealed")

// ErrUnknownKey is an [ErrUnsealable] that says that this process does not have the key. Another process may have it.
var ErrUnknownKey = fmt.Errorf("%w: its key is missing here", ErrUnsealable)

// UnreadableError is about a user whose secrets, or other parts of its row, can't be read.
type UnreadableError struct {
	ProjectID domain.ProjectID // of the user
	Err       error
}

// Error returns the text of Err.
func (e *UnreadableError) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *UnreadableError) Unwrap() error { return e.Err }

// Sealer encrypts secrets for a store that writes them outside of this process.
type Sealer interface {
	// Seal encrypts a secret of a user, and returns the id of the key that it used.
	Seal(id domain.UserID, secret domain.Secret) (sealed []byte, key string, err error)

	// Open decrypts what Seal returned for the same user. It returns [ErrUnsealable], or [ErrUnknownKey] if it does not have
	// the key.
	Open(id domain.UserID, sealed []byte) (domain.Secret, error)

	// KeyIDs returns the ids of the keys that Open has; the key that Seal uses comes first. An id has letters and digits only,
	// does not reveal the key, and differs from the id of every other key.
	KeyIDs() []string
}
