package http

import (
	"github.com/google/uuid"

	"github.com/userfarm/userfarm/domain"
)

const idRule = "must be a UUID other than the nil UUID"

// parseID reads an id in the canonical form of a UUID. The nil UUID is refused, because it would mean any user or
// project where the domain reads the zero id so.
func parseID[ID ~[16]byte](text string) (id ID, ok bool) {
	if len(text) != len(uuid.Nil.String()) {
		return id, false
	}
	parsed, err := uuid.Parse(text)
	return ID(parsed), err == nil && parsed != uuid.Nil
}

// parseIDAt is parseID for the parameter of a path; name says which in the [domain.InvalidError].
func parseIDAt[ID ~[16]byte](name, text string) (ID, error) {
	id, ok := parseID[ID](text)
	if !ok {
		return id, domain.Invalid("/"+name, idRule)
	}
	return id, nil
}

// checkedID is parseID for a text that has the validate tag "id". It is zero for one that does not pass.
func checkedID[ID ~[16]byte](text string) ID {
	id, _ := parseID[ID](text)
	return id
}
