package bench

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/mattn/go-isatty"
)

const (
	rewriteEvery = time.Second
	writeEvery   = 5 * time.Second
)

// progress writes what the bench is doing, for people. On a terminal it rewrites one line while the clients work. Elsewhere, for example
// in a CI log, it writes a new line less often.
type progress struct {
	out      io.Writer
	terminal bool
}

func newProgress(out io.Writer) *progress {
	file, ok := out.(*os.File)
	return &progress{out: out, terminal: ok && isatty.IsTerminal(file.Fd())}
}

// say writes a line. It ignores errors, because the measurement matters more.
func (p *progress) say(format string, args ...any) { _, _ = fmt.Fprintf(p.out, format+"\n", args...) }

// follow writes the tally at intervals until stop is called. After stop has returned it writes nothing more.
func (p *progress) follow(t *tally, length time.Duration) (stop func()) {
	every, before, after := writeEvery, "", "\n"
	if p.terminal {
		every, before, after = rewriteEvery, "\r", "\x1b[K"
	}
	last := t.pairs.Load()
	began := time.Now()
	ended := make(chan struct{})
	var following sync.WaitGroup
	following.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-ended:
				return
			case <-tick.C:
			}
			pairs := t.pairs.Load()
			_, _ = fmt.Fprintf(p.out, "%s%.0f s of %v: pairs %d (%.0f/s now), refusals %d, errors %d%s", before,
				time.Since(began).Seconds(), length, pairs, float64(pairs-last)/every.Seconds(),
				t.refusals.Load(), t.failures.Load(), after)
			last = pairs
		}
	})
	return func() {
		close(ended)
		following.Wait()
		if p.terminal {
			_, _ = fmt.Fprintln(p.out)
		}
	}
}
