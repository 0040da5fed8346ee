package postgres

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/userfarm/userfarm/adapters/bunstore"
)

func TestASearchBeginsWhereThePreviousOneFoundAUser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		low := newLowWater()
		found := bunstore.Row{UserID: [16]byte{7}}
		found.FreeAt = 1_000
		begins := func(why string, freeAt int64, userID [16]byte) {
			t.Helper()
			if m := low.of("pool"); m.freeAt != freeAt || m.userID != userID {
				t.Errorf("%s: a search begins at %d, %v, want %d, %v", why, m.freeAt, m.userID, freeAt, userID)
			}
		}
		begins("at first", 0, [16]byte{})
		low.seen("pool", []bunstore.Row{found, {}})
		begins("after a search", found.FreeAt, found.UserID)

		low.wrote(bunstore.Changes{At: 2_000, Moved: []bunstore.Move{{Circulation: bunstore.Circulation{FreeAt: 2_000}}}})
		begins("after a release", found.FreeAt, found.UserID)
		low.wrote(bunstore.Changes{At: 2_000, Moved: []bunstore.Move{{Circulation: bunstore.Circulation{FreeAt: 500}}}})
		begins("after a user came back below", 0, [16]byte{})

		low.seen("pool", []bunstore.Row{found})
		low.wrote(bunstore.Changes{Rows: []bunstore.Row{{}}})
		begins("after a user was added", 0, [16]byte{})

		low.seen("pool", []bunstore.Row{found})
		low.seen("pool", nil)
		begins("after a search that found no user", 0, [16]byte{})

		low.seen("pool", []bunstore.Row{found})
		time.Sleep(lowWaterAge / 2)
		low.seen("pool", []bunstore.Row{found})
		time.Sleep(lowWaterAge/2 + time.Millisecond)
		begins("some time after the last search from the beginning", 0, [16]byte{})
	})
}
