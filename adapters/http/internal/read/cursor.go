package read

import "encoding/base64"

const cursorRule = "must be the next_cursor of another page"

// A cursor is the id of the last item of a page. The encoding shows clients that a cursor is not an id.
var cursorEncoding = base64.RawURLEncoding

// FormatCursor returns the cursor of the page that begins after an id; nil for the zero id.
func FormatCursor[T ~[16]byte](after T) *string {
	if after == (T{}) {
		return nil
	}
	cursor := cursorEncoding.EncodeToString(after[:])
	return &cursor
}

// parseCursor parses a result of [FormatCursor], and rejects other texts that decode to the same id.
func parseCursor[T ~[16]byte](cursor string) (after T, ok bool) {
	raw, err := cursorEncoding.DecodeString(cursor)
	if err != nil || len(raw) != len(after) {
		return after, false
	}
	after = T(raw)
	return after, after != (T{}) && cursorEncoding.EncodeToString(raw) == cursor
}
