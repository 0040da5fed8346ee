package memory

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// TestTheHistoryFindsWhatAScanFinds compares the history with a slice of all events, over several pages.
func TestTheHistoryFindsWhatAScanFinds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var h history
		var all []ports.RecordedEvent
		now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
		drawTime := func(what string) time.Time {
			return now.Add(time.Duration(-rapid.IntRange(-1, 10).Draw(t, what)) * time.Second)
		}
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				now = now.Add(time.Second)
				for range rapid.IntRange(1, 2*eventsPerPage).Draw(t, "events") {
					h.add(domain.Event{At: now})
					all = append(all, ports.RecordedEvent{ID: h.latest, Event: domain.Event{At: now}})
				}
			},
			"forget": func(*rapid.T) {
				before := drawTime("before")
				h.forget(before)
				all = slices.DeleteFunc(all, func(e ports.RecordedEvent) bool { return e.At.Before(before) })
			},
			"": func(t *rapid.T) {
				same := func(a, b []ports.RecordedEvent) bool {
					return slices.EqualFunc(a, b, func(a, b ports.RecordedEvent) bool { return a.ID == b.ID && a.At.Equal(b.At) })
				}
				id := h.latest - ports.EventID(rapid.Int64Range(-1, 3*eventsPerPage).Draw(t, "after"))
				since := drawTime("since")
				want := slices.DeleteFunc(slices.Clone(all), func(e ports.RecordedEvent) bool { return e.ID <= id || e.At.Before(since) })
				if got := slices.Collect(h.read(ports.EventQuery{After: id, Since: since})); !same(got, want) {
					t.Fatalf("%d events after %d since %v, want %d", len(got), id, since, len(want))
				}
				older := slices.DeleteFunc(slices.Clone(all), func(e ports.RecordedEvent) bool {
					return id != 0 && e.ID >= id || e.At.Before(since)
				})
				slices.Reverse(older)
				newestFirst := ports.EventQuery{After: id, Since: since, NewestFirst: true}
				if got := slices.Collect(h.read(newestFirst)); !same(got, older) {
					t.Fatalf("newest first, %d events after %d since %v, want %d", len(got), id, since, len(older))
				}
			},
		})
	})
}
