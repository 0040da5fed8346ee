package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/jedib0t/go-pretty/v6/progress"
)

// importBar shows on a terminal how far an import is. Elsewhere it shows nothing.
type importBar struct {
	writer  progress.Writer   // nil if nothing is shown
	tracker *progress.Tracker // of what is going on
	ended   chan struct{}     // when the writer has ended
}

// newImportBar shows how much of a file was read. size is 0 if it is not known.
func newImportBar(size int64) *importBar {
	width := widthOf(os.Stderr)
	if width == 0 {
		return &importBar{}
	}
	b := &importBar{writer: progress.NewWriter(), ended: make(chan struct{})}
	b.writer.SetOutputWriter(os.Stderr)
	b.writer.SetTerminalWidth(width)
	b.writer.SetTrackerLength(max(10, width/4))
	b.writer.SetUpdateFrequency(100 * time.Millisecond)
	b.writer.SetAutoStop(false)
	b.begin("checking", size)
	b.tracker.Units = progress.UnitsBytes
	go func() {
		defer close(b.ended)
		b.writer.Render()
	}()
	for !b.writer.IsRenderInProgress() {
		time.Sleep(time.Millisecond) // a stop before it would have no effect
	}
	return b
}

// begin shows what goes on now.
func (b *importBar) begin(what string, total int64) {
	if b.writer == nil {
		return
	}
	if b.tracker != nil {
		b.tracker.MarkAsDone()
	}
	b.tracker = &progress.Tracker{Message: what, Total: total, AutoStopDisabled: true}
	b.writer.AppendTracker(b.tracker)
}

// set shows how much of the total is done.
func (b *importBar) set(value int64) {
	if b.writer != nil {
		b.tracker.SetValue(value)
	}
}

// reading returns a reader that shows how much was read of it.
func (b *importBar) reading(in io.Reader) io.Reader {
	if b.writer == nil {
		return in
	}
	return io.TeeReader(in, progressOf{b.tracker})
}

// progressOf shows how much was written to it.
type progressOf struct{ tracker *progress.Tracker }

// Write implements [io.Writer].
func (p progressOf) Write(text []byte) (int, error) {
	p.tracker.Increment(int64(len(text)))
	return len(text), nil
}

// log shows a line above the bar.
func (b *importBar) log(line string) {
	if b.writer == nil {
		fmt.Fprintln(os.Stderr, line)
		return
	}
	b.writer.Log("%s", line)
}

// fail ends the bar as one of something that did not come to its end.
func (b *importBar) fail() {
	if b.writer != nil {
		b.tracker.MarkAsErrored()
		b.stop()
	}
}

// stop ends the bar, so that other things can be shown. It may be called again.
func (b *importBar) stop() {
	if b.writer == nil {
		return
	}
	if !b.tracker.IsErrored() {
		b.tracker.MarkAsDone()
	}
	b.writer.Stop()
	<-b.ended
	b.writer = nil
}
