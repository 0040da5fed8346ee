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
		URL: "http://127.0.0.1:8000", Clients: 64, Users: 1000, Pools: 1, Want: "one", Hold: 250, Rounds: 1,
		Work: Work{
			Elapsed: 10012.345, Pairs: 123456, PairsPerSecond: 12330.4, Errors: map[string]int64{},
			PairsPerSecondOfRounds: Spread{12330.4, 12330.4, 12330.4},
			Acquire:                Latency{Count: 123460, P50: 2.481, P95: 5.12, P99: 8.005, Max: 21.9},
			Release:                Latency{Count: 123460, P50: 2.4, P95: 5.034, P99: 7.9, Max: 20},
			Requests:               Latency{Count: 246920, P50: 2.44, P95: 5.1, P99: 7.96, Max: 21.9},
		},
		Waiters: Waiters{Errors: map[string]int64{}},
		Plain:   Work{Errors: map[string]int64{}},
	}
	broken = Result{
		URL: "https://farm.example.com/qa", Clients: 2, Users: 1, Pools: 1, Want: "one", Rounds: 1,
		Work: Work{
			Elapsed: 1000.5, Pairs: 3, PairsPerSecond: 3, Refusals: 12,
			PairsPerSecondOfRounds: Spread{3, 3, 3},
			Errors:                 map[string]int64{"timeout": 1, "store_unavailable": 20, "http_502": 3},
			FirstError:             "503 store_unavailable: The database does not answer.",
			Acquire:                Latency{Count: 4, P50: 1, P95: 1, P99: 1, Max: 1},
			Release:                Latency{Count: 3, P50: 1, P95: 1, P99: 1, Max: 1},
			Requests:               Latency{Count: 43, P50: 1, P95: 10000, P99: 10000, Max: 10000.25},
		},
		Overlaps: 2, FencesOutOfOrder: 1, FirstOverlap: "user u was handed out with fence 4 while it was held with fence 4",
		Waiters: Waiters{Errors: map[string]int64{}},
		Plain:   Work{Errors: map[string]int64{}},
	}
	compared = Result{
		URL: "http://127.0.0.1:8000", Clients: 16, Users: 8000, Pools: 20, LabelSets: 400, Want: "shared", Rounds: 3,
		Work: Work{
			Elapsed: 15003, Pairs: 30000, PairsPerSecond: 1999.6, Errors: map[string]int64{},
			PairsPerSecondOfRounds: Spread{2003.1, 1890.5, 2105},
			Acquire:                Latency{Count: 30000, P50: 4, P95: 8, P99: 12, Max: 30},
			Release:                Latency{Count: 30000, P50: 3.9, P95: 7.9, P99: 11.9, Max: 29},
			Requests:               Latency{Count: 60000, P50: 3.95, P95: 7.95, P99: 11.95, Max: 30},
		},
		Waiters: Waiters{
			Count: 500, Want: "different", InLine: 498,
			Errors:     map[string]int64{"store_unavailable": 2},
			FirstError: "503 store_unavailable: The store is overloaded.",
			HandOver:   Latency{Count: 300, P50: 8.5, P95: 12, P99: 15.25, Max: 20},
		},
		Plain: Work{
			Elapsed: 15001, Pairs: 36000, PairsPerSecond: 2399.8, Errors: map[string]int64{"timeout": 1}, FirstError: "timeout",
			PairsPerSecondOfRounds: Spread{2390, 2350.2, 2450.7},
			Acquire:                Latency{Count: 36000, P50: 3, P95: 7, P99: 11, Max: 25},
			Release:                Latency{Count: 36000, P50: 3, P95: 7, P99: 11, Max: 25},
			Requests:               Latency{Count: 72000, P50: 3, P95: 7, P99: 11, Max: 25},
		},
		Ratio: Spread{0.838, 0.801, 0.86},
	}
)

func TestAReportIsTextOrJSON(t *testing.T) {
	for file, write := range map[string]func(*bytes.Buffer) error{
		"fine.txt":      func(b *bytes.Buffer) error { return fine.WriteText(b) },
		"fine.json":     func(b *bytes.Buffer) error { return fine.WriteJSON(b) },
		"broken.txt":    func(b *bytes.Buffer) error { return broken.WriteText(b) },
		"broken.json":   func(b *bytes.Buffer) error { return broken.WriteJSON(b) },
		"compared.txt":  func(b *bytes.Buffer) error { return compared.WriteText(b) },
		"compared.json": func(b *bytes.Buffer) error { return compared.WriteJSON(b) },
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
	nothing := &bench{cfg: right(), measured: &load{holds: newHolds(nil), tally: newTally()}}
	if err := nothing.result().WriteJSON(&b); err != nil {
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
