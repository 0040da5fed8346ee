package http

import (
	"encoding/base64"

	"github.com/userfarm/userfarm/domain"
)

// A cursor is the id of the last user of a page. It is encoded so that nobody takes it for an id to build by hand.
var cursorEncoding = base64.RawURLEncoding

// formatCursor returns the cursor of the page that begins after a user; nil, if there is none.
func formatCursor(after domain.UserID) *string {
	if after.IsZero() {
		return nil
	}
	cursor := cursorEncoding.EncodeToString(after[:])
	return &cursor
}

// parseCursor reads what formatCursor returned, and nothing that merely decodes to the same.
func parseCursor(cursor string) (after domain.UserID, ok bool) {
	raw, err := cursorEncoding.DecodeString(cursor)
	if err != nil || len(raw) != len(after) {
		return after, false
	}
	copy(after[:], raw)
	return after, !after.IsZero() && cursorEncoding.EncodeToString(raw) == cursor
}
