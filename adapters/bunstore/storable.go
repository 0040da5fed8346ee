package bunstore

import (
	"strings"
	"unicode/utf8"

	"github.com/userfarm/userfarm/domain"
)

// storable reports whether a text can be in a database at all: PostgreSQL has no NUL in a text, and no invalid UTF-8.
// Nothing there equals a text that is not storable.
func storable(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsRune(text, 0)
}

// findable reports whether any user in the database could match the selector.
func findable(want domain.Selector) bool {
	for key, value := range want.Labels {
		if !storable(key) || !storable(value) {
			return false
		}
	}
	return storable(want.Env) && storable(want.Domain)
}
