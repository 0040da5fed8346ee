package bench

import "testing"

func TestASpreadHasTheMedianMinimumAndMaximum(t *testing.T) {
	for _, test := range []struct {
		of   []float64
		want Spread
	}{
		{nil, Spread{}},
		{[]float64{7}, Spread{7, 7, 7}},
		{[]float64{3, 1}, Spread{2, 1, 3}},
		{[]float64{9, 1, 4}, Spread{4, 1, 9}},
		{[]float64{0.12345, 2}, Spread{1.062, 0.123, 2}},
	} {
		if got := newSpread(test.of); got != test.want {
			t.Errorf("of %v: %+v, want %+v", test.of, got, test.want)
		}
	}
}

func TestRatiosAreThoseOfTheSameRound(t *testing.T) {
	if got, want := newRatios([]float64{1, 8, 5}, []float64{2, 4, 5}), (Spread{1, 0.5, 2}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	// The last round was interrupted after one of the two, and in the first one no pair succeeded.
	if got, want := newRatios([]float64{1, 8}, []float64{0, 4, 5}), (Spread{2, 2, 2}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
