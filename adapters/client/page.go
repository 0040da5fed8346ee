package client

import "encoding/base64"

// maxPage is the most items that the farm lists at once.
const maxPage = 1000

// limitOf returns how many items to ask for; nil asks for the default, as a limit below 1 does.
func limitOf(limit int) *int {
	if limit < 1 {
		return nil
	}
	return new(min(limit, maxPage))
}

// A cursor of users and API keys is the id of the last item of a page.
var cursorEncoding = base64.RawURLEncoding

// cursorAfter returns the cursor of the page that begins after an id; nil for the zero id.
func cursorAfter[T ~[16]byte](after T) *string {
	if after == (T{}) {
		return nil
	}
	return new(cursorEncoding.EncodeToString(after[:]))
}

// afterCursor returns the id after which the page of a cursor begins; zero for null, on the last page.
func afterCursor[T ~[16]byte](v *views, cursor *string) (after T) {
	if cursor == nil {
		return after
	}
	raw, err := cursorEncoding.DecodeString(*cursor)
	if err != nil || len(raw) != len(after) {
		v.bad = true
		return after
	}
	return T(raw)
}
