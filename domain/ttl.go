package domain

import "time"

// TTLs say how long a lease may be asked for. Both must be at least a second, and Default at most Longest.
type TTLs struct {
	Default time.Duration
	Longest time.Duration
}

// Choose returns the time to live for one that was asked for: the default for 0, else itself. It returns an
// [InvalidError] about /ttl_seconds if asked is shorter than a second or longer than the longest.
func (t TTLs) Choose(asked time.Duration) (time.Duration, error) {
	switch {
	case asked == 0:
		return t.Default, nil
	case asked < time.Second || asked > t.Longest:
		var v violations
		v.add("/ttl_seconds", "must be from 1 to %d", int64(t.Longest/time.Second))
		return 0, v.err()
	default:
		return asked, nil
	}
}
