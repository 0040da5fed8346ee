package read

import (
	"testing"

	"github.com/userfarm/userfarm/domain"
)

func TestTheLastPageHasNoCursor(t *testing.T) {
	if got := FormatCursor(domain.UserID{}); got != nil {
		t.Errorf("got %s", *got)
	}
}

// A cursor that is accepted is the only cursor of its user.
func FuzzParseCursor(f *testing.F) {
	f.Add("")
	f.Add("garbage")
	f.Add("AAAAAAAAAAAAAAAAAAAAAA")
	f.Add("AaIHrd0xceyKUVsOSnoMEQ")
	f.Add("AaIHrd0xceyKUVsOSnoMER")
	f.Add("AaIHrd0xceyKUVsOSnoMEQ==")
	f.Add("AaIHrd0xceyK\nUVsOSnoMEQ")
	f.Fuzz(func(t *testing.T, cursor string) {
		after, ok := parseCursor[domain.UserID](cursor)
		if !ok {
			return
		}
		if after.IsZero() {
			t.Fatal("the cursor begins at the first user")
		}
		if again := FormatCursor(after); *again != cursor {
			t.Fatalf("%q is the cursor of a user whose cursor is %q", cursor, *again)
		}
	})
}
