package http

import (
	"strconv"
	"time"
)

// locktime is the time from which a lock holds, as the legacy routes write it: a number that always has a fraction, 0.0 for
// the zero time and else the unix time in seconds with microseconds.
type locktime time.Time

// MarshalJSON returns the number.
func (l locktime) MarshalJSON() ([]byte, error) {
	t := time.Time(l)
	if t.IsZero() {
		return []byte("0.0"), nil
	}
	// Digits, not a float64: a float would lose microseconds in time, and print exponents.
	text := strconv.AppendInt(nil, t.Unix(), 10)
	micros := strconv.Itoa(t.Nanosecond()/int(time.Microsecond) + 1_000_000)
	return append(append(text, '.'), micros[1:]...), nil
}
