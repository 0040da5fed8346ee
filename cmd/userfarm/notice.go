package main

import (
	"cmp"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	prettytext "github.com/jedib0t/go-pretty/v6/text"

	"github.com/userfarm/userfarm/domain"
)

// notice is the line on standard error that tells why a command waits. A terminal shows it as one line that changes. Elsewhere, such as in the log of a
// CI job, it is written again only when the place in line has changed.
type notice struct {
	mu        sync.Mutex
	since     time.Time // zero before the wait and after it
	place     int       // in line; 0 if it is not known
	occupancy domain.Occupancy
	shown     string
}

// begin says since when the command waits, and for whom. It shows nothing yet, because most waits are short.
func (n *notice) begin(occupancy domain.Occupancy) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.since, n.occupancy = time.Now(), occupancy
}

// occupied says who has the users now.
func (n *notice) occupied(occupancy domain.Occupancy) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.occupancy = occupancy
}

// show shows the line. place is 0 if it is not known, as between two requests.
func (n *notice) show(place int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	moved := place > 0 && place != n.place
	if moved {
		n.place = place
	}
	if n.since.IsZero() {
		return
	}
	width := widthOf(os.Stderr)
	text := n.text(mostHolders)
	if width > 0 {
		text = n.fit(width - 1) // a terminal may begin a new line after its last column
	}
	switch {
	case width > 0:
		fmt.Fprint(os.Stderr, eraseLine+text) // also the same text, because something else may have been told since
	case moved || n.shown == "":
		fmt.Fprintln(os.Stderr, text)
	}
	n.shown = text
}

// eraseLine empties the line of a terminal.
const eraseLine = "\r\x1b[K"

// end removes the line from a terminal.
func (n *notice) end() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.shown != "" && widthOf(os.Stderr) > 0 {
		fmt.Fprint(os.Stderr, eraseLine)
	}
	n.since = time.Time{}
}

// text returns the line with at most so many holders.
func (n *notice) text(most int) string {
	text := "userfarm: waiting since " + n.since.Format(time.TimeOnly)
	if n.place > 0 {
		text += fmt.Sprintf(", place %d in line", n.place)
	}
	if said := holders(n.occupancy, most, whole); len(said) > 0 {
		text += ": " + strings.Join(said, ", ")
	}
	return text
}

// fit returns the line so that it fits a width. It leaves out what people can do without: holders whose locks end later, words, and the
// middles of names.
func (n *notice) fit(width int) string {
	for most := mostHolders; most > 0; most-- {
		if text := n.text(most); columns(text) <= width {
			return text
		}
	}
	for longest := width; longest >= readable; longest-- {
		if text := n.shortText(true, longest); columns(text) <= width {
			return text
		}
	}
	for longest := width; longest > 0; longest-- {
		if text := n.shortText(false, longest); columns(text) <= width {
			return text
		}
	}
	return prettytext.Snip(n.shortText(false, 1), width, "…")
}

// readable is how many columns a name needs so that people can tell it from others.
const readable = 6

// shortText returns the line with few words, one holder, and names of at most so many columns.
func (n *notice) shortText(since bool, longest int) string {
	var parts []string
	if since {
		parts = append(parts, "waiting since "+n.since.Format(time.TimeOnly))
	}
	if n.place > 0 {
		parts = append(parts, fmt.Sprintf("place %d", n.place))
	}
	text := cmp.Or(strings.Join(parts, ", "), "waiting")
	if said := holders(n.occupancy, 1, longest); len(said) > 0 {
		text += ": " + said[0]
	}
	return text
}

// columns returns how many columns of a terminal a text takes.
func columns(text string) int { return prettytext.StringWidthWithoutEscSequences(text) }
