package read

import "github.com/userfarm/userfarm/domain"

// ID parses the text of an id as [domain.ParseUserID] does: all ids have one form. The id is zero if ok is false.
func ID[T ~[16]byte](text string) (id T, ok bool) {
	parsed, err := domain.ParseUserID(text)
	return T(parsed), err == nil
}
