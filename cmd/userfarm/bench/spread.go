package bench

import (
	"math"
	"slices"
)

// Spread says how a number differs from round to round. It is rounded to a thousandth. All are 0 without rounds.
type Spread struct {
	Median float64 `json:"median"` // of an even number of rounds, the mean of the two in the middle
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

func newSpread(of []float64) Spread {
	if len(of) == 0 {
		return Spread{}
	}
	sorted := slices.Sorted(slices.Values(of))
	middle := len(sorted) / 2
	median := sorted[middle]
	if len(sorted)%2 == 0 {
		median = (sorted[middle-1] + median) / 2
	}
	return Spread{Median: thousandth(median), Min: thousandth(sorted[0]), Max: thousandth(sorted[len(sorted)-1])}
}

func thousandth(x float64) float64 { return math.Round(1000*x) / 1000 }

// newRatios divides the numbers of each round.
func newRatios(of, by []float64) Spread {
	var ratios []float64
	for round, rate := range of {
		if round < len(by) && by[round] > 0 {
			ratios = append(ratios, rate/by[round])
		}
	}
	return newSpread(ratios)
}
