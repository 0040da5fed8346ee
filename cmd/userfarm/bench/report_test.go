package bench

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"
)

var (
	fine = Result{
		URL: "http://127.0.0.1:8000", Clients: 64, Users: 1000, Hold: 250, Elapsed: 10012.345,
		Pairs: 123456, PairsPerSecond: 12330.4, Errors: map[string]int64{},
		Acquire:  Latency{Count: 123460, P50: 2.481, P95: 5.12, P99: 8.005, Max: 21.9},
		Release:  Latency{Count: 123460, P50: 2.4, P95: 5.034, P99: 7.9, Max: 20},
		Requests: Latency{Count: 246920, P50: 2.44, P95: 5.1, P99: 7.96, Max: 21.9},
	}
	broken = Result{
		URL: "https://farm.example.com/qa", Clients: 2, Users: 1, Elapsed: 1000.5,
		Pairs: 3, PairsPerSecond: 3, Refusals: 12,
		Errors:     map[string]int64{"timeout": 1, "store_unavailable": 20, "http_502": 3},
		FirstError: "503 store_unavailable: The database does not answer.",
		Acquire:    Latency{Count: 4, P50: 1, P95: 1, P99: 1, Max: 1},
		Release:    Latency{Count: 3, P50: 1, P95: 1, P99: 1, Max: 1},
		Requests:   Latency{Count: 43, P50: 1, P95: 10000, P99: 10000, Max: 10000.25},
		Overlaps:   2, FencesOutOfOrder: 1, FirstOverlap: "user u was handed out with fence 4 while it was held with fence 4",
	}
)

func TestAReportIsTextOrJSON(t *testing.T) {
	for file, write := range map[string]func(*bytes.Buffer) error{
		"fine.txt":    func(b *bytes.Buffer) error { return fine.WriteText(b) },
		"fine.json":   func(b *bytes.Buffer) error { return fine.WriteJSON(b) },
		"broken.txt":  func(b *bytes.Buffer) error { return broken.WriteText(b) },
		"broken.json": func(b *bytes.Buffer) error { return broken.WriteJSON(b) },
	} {
		t.Run(file, func(t *testing.T) {
			want, err := os.ReadFile(filepath.Join("testdata", file))
			if err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			if err := write(&got); err != nil {
				t.Fatal(err)
			}
			if got.String() != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got.String(), want)
			}
		})
	}
}

func TestAnEmptyResultHasAllMembers(t *testing.T) {
	var b bytes.Buffer
	if err := newResult(right(), time.Second, newTally(), newHolds(nil)).WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(filepath.Join("testdata", "empty.json"))
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

func TestMillisecondsAreRounded(t *testing.T) {
	for d, want := range map[time.Duration]Milliseconds{
		0: 0, 1499: 0.001, 1500 * time.Microsecond: 1.5, time.Minute: 60000,
	} {
		if got := milliseconds(d); got != want {
			t.Errorf("%v = %v ms, want %v", d, got, want)
		}
	}
}
