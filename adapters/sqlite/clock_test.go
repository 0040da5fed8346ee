package sqlite

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestTheClockFollowsTheWallClock(t *testing.T) {
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

func TestTheClockReturnsWholeMicroseconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(1999 * time.Nanosecond)
		var c clock
		if got, want := c.now(), time.Now().Add(-999*time.Nanosecond); !got.Equal(want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

func TestTheClockContinuesWhenTheWallClockIsSetBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// As if the clock had returned a time an hour ahead of the wall clock.
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
			t.Errorf("fractions of a microsecond were lost: got %v, want %v", got, want)
		}
	})
}
