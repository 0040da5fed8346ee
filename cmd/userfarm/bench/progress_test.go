package bench

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"
)

func TestProgressOnATerminalRewritesItsLine(t *testing.T) {
	const want = "\r1 s of 10s: pairs 20 (20/s now), refusals 3, errors 0\x1b[K" +
		"\r2 s of 10s: pairs 50 (30/s now), refusals 3, errors 1\x1b[K\n"
	wantProgress(t, true, time.Second, want)
}

func TestProgressElsewhereWritesNewLines(t *testing.T) {
	const want = "5 s of 10s: pairs 20 (4/s now), refusals 3, errors 0\n" +
		"10 s of 10s: pairs 50 (6/s now), refusals 3, errors 1\n"
	wantProgress(t, false, 5*time.Second, want)
}

func wantProgress(t *testing.T, terminal bool, every time.Duration, want string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		tally := newTally()
		stop := (&progress{out: &out, terminal: terminal}).follow(tally, 10*time.Second)
		time.Sleep(every / 2)
		tally.pairs.Add(20)
		tally.refusals.Add(3)
		time.Sleep(every)
		tally.pairs.Add(30)
		tally.fail(unexpected("no reason"))
		time.Sleep(every)
		stop()
		time.Sleep(time.Minute)
		if got := out.String(); got != want {
			t.Errorf("got\n%q\nwant\n%q", got, want)
		}
	})
}
