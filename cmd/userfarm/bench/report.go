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
	fmt.Fprintf(&b, "%s, measured for %.1f s: clients %d, users %d, hold %v\n\n",
		r.URL, r.Elapsed/1000, r.Clients, r.Users, r.Hold.duration())

	fmt.Fprintf(&b, "%-22s %10d   %.1f per second\n", "pairs", r.Pairs, r.PairsPerSecond)
	fmt.Fprintf(&b, "%-22s %10d   no user was free\n", "refusals", r.Refusals)
	fmt.Fprintf(&b, "%-22s %10d", "errors", r.errorCount())
	if r.FirstError != "" {
		fmt.Fprintf(&b, "   the first: %s", r.FirstError)
	}
	fmt.Fprintln(&b)
	for _, kind := range slices.Sorted(maps.Keys(r.Errors)) {
		fmt.Fprintf(&b, "  %-20s %10d\n", kind, r.Errors[kind])
	}
	fmt.Fprintf(&b, "%-22s %10d", "overlapping holds", r.Overlaps)
	if r.FirstOverlap != "" {
		fmt.Fprintf(&b, "   USERS WERE SHARED; first, %s", r.FirstOverlap)
	}
	fmt.Fprintf(&b, "\n%-22s %10d\n\n", "fences out of order", r.FencesOutOfOrder)

	fmt.Fprintf(&b, "%-22s %10s %10s %10s %10s %10s\n", "latency in ms", "count", "p50", "p95", "p99", "max")
	for _, row := range []struct {
		name string
		Latency
	}{{"acquire, granted", r.Acquire}, {"release, carried out", r.Release}, {"all requests", r.Requests}} {
		fmt.Fprintf(&b, "%-22s %10d %10.2f %10.2f %10.2f %10.2f\n", row.name, row.Count, row.P50, row.P95, row.P99, row.Max)
	}
	_, err := b.WriteTo(w)
	return err
}

func (r Result) errorCount() (n int64) {
	for _, count := range r.Errors {
		n += count
	}
	return n
}
