package api

import (
	"strconv"
	"time"
)

// Locktime is the time of a lock as the legacy routes write it: a JSON number that always has a fraction. It is 0.0 for
// the zero time. For any other time it is the unix time in seconds, with microseconds.
type Locktime time.Time

// MarshalJSON returns the number. It never fails.
func (l Locktime) MarshalJSON() ([]byte, error) {
	t := time.Time(l)
	if t.IsZero() {
		return []byte("0.0"), nil
	}
	// A float64 would lose the microseconds of later years, and would print an exponent.
	text := strconv.AppendInt(nil, t.Unix(), 10)
	micros := strconv.Itoa(t.Nanosecond()/int(time.Microsecond) + 1_000_000)
	return append(append(text, '.'), micros[1:]...), nil
}
