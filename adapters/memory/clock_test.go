package memory

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestTheClockNeverGoesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ahead := time.Now().UTC().Add(time.Minute)
		c := clock{latest: ahead}
		if now := c.now(); now != ahead {
			t.Errorf("after the process clock was set back, it is %v, want %v", now, ahead)
		}
		time.Sleep(time.Hour)
		if now, want := c.now(), ahead.Add(59*time.Minute); now != want {
			t.Errorf("an hour later, it is %v, want %v", now, want)
		}
	})
}
