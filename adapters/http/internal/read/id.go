package read

import (
	"github.com/google/uuid"

	"github.com/userfarm/userfarm/domain"
)

// IDRule says what [ID] accepts.
const IDRule = "must be a UUID other than the nil UUID"

// ID parses the canonical form of a UUID, with hyphens. It rejects the nil UUID, because a zero id stands for any user or
// any project in the domain. The id is zero if ok is false.
func ID[T ~[16]byte](text string) (id T, ok bool) {
	if len(text) != len(uuid.Nil.String()) {
		return id, false
	}
	parsed, err := uuid.Parse(text)
	return T(parsed), err == nil && parsed != uuid.Nil
}

// PathID parses the id that is the parameter name of a path. Its error is a [domain.InvalidError].
func PathID[T ~[16]byte](name, text string) (T, error) {
	id, ok := ID[T](text)
	if !ok {
		return id, domain.Invalid("/"+name, IDRule)
	}
	return id, nil
}
