package http_test

import (
	"testing"

	"github.com/userfarm/userfarm/adapters/http"
	"github.com/userfarm/userfarm/domain"
)

func TestTheLastPageHasNoCursor(t *testing.T) {
	if got := http.FormatCursor(domain.UserID{}); got != nil {
		t.Errorf("got %s", *got)
	}
}

// Whatever is not refused is the one cursor of its user.
func FuzzParseCursor(f *testing.F) {
	f.Add("")
	f.Add("garbage")
	f.Add("AAAAAAAAAAAAAAAAAAAAAA")
	f.Add("AaIHrd0xceyKUVsOSnoMEQ")
	f.Add("AaIHrd0xceyKUVsOSnoMER")
	f.Add("AaIHrd0xceyKUVsOSnoMEQ==")
	f.Add("AaIHrd0xceyK\nUVsOSnoMEQ")
	f.Fuzz(func(t *testing.T, cursor string) {
		after, ok := http.ParseCursor(cursor)
		if !ok {
			return
		}
		if after.IsZero() {
			t.Fatal("the cursor begins at the first user")
		}
		if again := http.FormatCursor(after); *again != cursor {
			t.Fatalf("%q is the cursor of a user whose cursor is %q", cursor, *again)
		}
	})
}
