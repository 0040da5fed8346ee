package http

import (
	"errors"
	"fmt"
	"time"
)

// maxConnections is the most that [Limits] may allow. Fasthttp has a limit of its own, with an answer that is no problem:
// this one keeps it out of reach.
const maxConnections = 100_000

// Limits keep one caller, or one client that is slow, from taking the server away from all others. Each replica counts for
// itself.
type Limits struct {
	Rate        int // requests a second of one API key, and as many at once; 0 for any number
	Waiting     int // acquires and codes that may wait, and streams of events or of all users, of one API key at one time
	Connections int // at one time

	ReadTimeout  time.Duration // for a whole request to arrive, and for a connection's first one to begin
	WriteTimeout time.Duration // for a client to take an answer, or the next part of a long one
	IdleTimeout  time.Duration // between an answer and the next request on its connection
}

// DefaultLimits returns the limits of a server that was not configured.
func DefaultLimits() Limits {
	return Limits{
		Rate:         10_000,
		Waiting:      10_000,
		Connections:  20_000,
		ReadTimeout:  30 * time.Second,
		WriteTimeout: 30 * time.Second,
		IdleTimeout:  2 * time.Minute,
	}
}

// Validate returns an error that names every limit that can't be kept.
func (l Limits) Validate() error {
	var errs []error
	refuse := func(broken bool, format string, args ...any) {
		if broken {
			errs = append(errs, fmt.Errorf("http: "+format, args...))
		}
	}
	refuse(l.Rate < 0, "the limit of requests a second must be 0, for none, or more; it is %d", l.Rate)
	refuse(l.Waiting < 1, "the limit of requests that wait must be at least 1; it is %d", l.Waiting)
	refuse(l.Connections < 1 || l.Connections > maxConnections,
		"the limit of connections must be from 1 to %d; it is %d", maxConnections, l.Connections)
	refuse(l.ReadTimeout <= 0, "the read timeout must be more than 0; it is %v", l.ReadTimeout)
	refuse(l.WriteTimeout <= 0, "the write timeout must be more than 0; it is %v", l.WriteTimeout)
	refuse(l.IdleTimeout <= 0, "the idle timeout must be more than 0; it is %v", l.IdleTimeout)
	return errors.Join(errs...)
}
