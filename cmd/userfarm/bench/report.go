package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
)

// WriteJSON writes the result as one JSON object on one line.
func (r Result) WriteJSON(w io.Writer) error { return json.NewEncoder(w).Encode(r) }

// WriteText writes the result for people.
func (r Result) WriteText(w io.Writer) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s, measured for %.1f s%s: clients %d, users %d%s, hold %v\n\n",
		r.URL, r.Elapsed/1000, r.roundsText(), r.Clients, r.Users, r.layoutText(), r.Hold.duration())
	r.writeRates(&b)
	fmt.Fprintf(&b, "%-22s %10d   no user was free\n", "refusals", r.Refusals)
	writeErrors(&b, "errors", r.Errors, r.FirstError)
	fmt.Fprintf(&b, "%-22s %10d", "overlapping holds", r.Overlaps)
	if r.FirstOverlap != "" {
		fmt.Fprintf(&b, "   USERS WERE SHARED; first, %s", r.FirstOverlap)
	}
	fmt.Fprintf(&b, "\n%-22s %10d\n", "fences out of order", r.FencesOutOfOrder)
	if r.Waiters.Count > 0 {
		fmt.Fprintf(&b, "\n%-22s %10d   of %d, who want %s\n", "waiters in line", r.Waiters.InLine, r.Waiters.Count, r.Waiters.wantText())
		writeErrors(&b, "errors of waiters", r.Waiters.Errors, r.Waiters.FirstError)
	}

	fmt.Fprintf(&b, "\n%-22s %10s %10s %10s %10s %10s\n", "latency in ms", "count", "p50", "p95", "p99", "max")
	rows := []latencyRow{{"acquire, granted", r.Acquire}, {"release, carried out", r.Release}, {"all requests", r.Requests}}
	if r.compared() {
		rows = append(rows, latencyRow{"  in the plain pool", r.Plain.Requests})
	}
	if r.Waiters.Count > 0 {
		rows = append(rows, latencyRow{"hand-over to a waiter", r.Waiters.HandOver})
	}
	for _, row := range rows {
		fmt.Fprintf(&b, "%-22s %10d %10.2f %10.2f %10.2f %10.2f\n", row.name, row.Count, row.P50, row.P95, row.P99, row.Max)
	}
	_, err := b.WriteTo(w)
	return err
}

type latencyRow struct {
	name string
	Latency
}

func (r Result) roundsText() string {
	if r.Rounds < 2 {
		return ""
	}
	return fmt.Sprintf(" in %d rounds", r.Rounds)
}

// layoutText says how the users differ from a plain pool.
func (r Result) layoutText() string {
	var text string
	if r.Pools > 1 {
		text += fmt.Sprintf(" in %d pools", r.Pools)
	}
	switch {
	case r.LabelSets == 0:
	case r.Want == wantShared:
		text += fmt.Sprintf(", label sets %d (the label that they share is wanted)", r.LabelSets)
	default:
		text += fmt.Sprintf(", label sets %d (one is wanted)", r.LabelSets)
	}
	return text
}

func (w Waiters) wantText() string {
	if w.Want == wantAlike {
		return "the same user"
	}
	return "different users"
}

func (r Result) compared() bool { return r.Plain.Elapsed > 0 }

func (r Result) writeRates(b *bytes.Buffer) {
	fmt.Fprintf(b, "%-22s %10d   %.1f per second\n", "pairs", r.Pairs, r.PairsPerSecond)
	if r.Rounds > 1 {
		writeSpread(b, "  per second, median", r.PairsPerSecondOfRounds, 1)
	}
	if !r.compared() {
		return
	}
	writeSpread(b, "  in a plain pool", r.Plain.PairsPerSecondOfRounds, 1)
	if n := errorCount(r.Plain.Errors); n > 0 {
		writeErrors(b, "    errors there", r.Plain.Errors, r.Plain.FirstError)
	}
	writeSpread(b, "  ratio of the two", r.Ratio, 2)
}

func writeSpread(b *bytes.Buffer, name string, s Spread, digits int) {
	fmt.Fprintf(b, "%-22s %10.*f   %.*f to %.*f\n", name, digits, s.Median, digits, s.Min, digits, s.Max)
}

func writeErrors(b *bytes.Buffer, name string, byKind map[string]int64, first string) {
	fmt.Fprintf(b, "%-22s %10d", name, errorCount(byKind))
	if first != "" {
		fmt.Fprintf(b, "   the first: %s", first)
	}
	fmt.Fprintln(b)
	for _, kind := range slices.Sorted(maps.Keys(byKind)) {
		fmt.Fprintf(b, "  %-20s %10d\n", kind, byKind[kind])
	}
}

func errorCount(byKind map[string]int64) (n int64) {
	for _, count := range byKind {
		n += count
	}
	return n
}
