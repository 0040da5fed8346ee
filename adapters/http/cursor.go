package http

import "encoding/base64"

const cursorRule = "must be the next_cursor of another page"

// A cursor is the id of what comes last on a page. It is encoded so that nobody takes it for an id to build by hand.
var cursorEncoding = base64.RawURLEncoding

// formatCursor returns the cursor of the page that begins after an id; nil, if that is zero.
func formatCursor[ID ~[16]byte](after ID) *string {
	if after == (ID{}) {
		return nil
	}
	cursor := cursorEncoding.EncodeToString(after[:])
	return &cursor
}

// parseCursor reads what formatCursor returned, and nothing that merely decodes to the same.
func parseCursor[ID ~[16]byte](cursor string) (after ID, ok bool) {
	raw, err := cursorEncoding.DecodeString(cursor)
	if err != nil || len(raw) != len(after) {
		return after, false
	}
	after = ID(raw)
	return after, after != (ID{}) && cursorEncoding.EncodeToString(raw) == cursor
}
