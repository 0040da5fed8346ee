package sqlite

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestClockFollowsTheWallClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c clock
		for range 3 {
			if got, want := c.now(), time.Now().UTC(); !got.Equal(want) || got.Location() != time.UTC {
				t.Errorf("got %v, want %v", got, want)
			}
			time.Sleep(time.Hour + time.Microsecond)
		}
	})
}

func TestClockTellsWholeMicroseconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(1999 * time.Nanosecond)
		var c clock
		if got, want := c.now(), time.Now().Add(-999*time.Nanosecond); !got.Equal(want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

func TestClockTicksOnWhenTheWallClockIsSetBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// As if it had told a time an hour ahead of where the wall clock is now.
		ahead := time.Now().UTC().Round(0).Add(time.Hour)
		c := clock{reading: time.Now(), told: ahead}

		time.Sleep(time.Minute)
		if got, want := c.now(), ahead.Add(time.Minute); !got.Equal(want) {
			t.Errorf("got %v, want %v", got, want)
		}
		time.Sleep(400 * time.Nanosecond)
		c.now()
		time.Sleep(600 * time.Nanosecond)
		if got, want := c.now(), ahead.Add(time.Minute+time.Microsecond); !got.Equal(want) {
			t.Errorf("fractions of a microsecond got lost: got %v, want %v", got, want)
		}
	})
}
