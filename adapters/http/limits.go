package http

import (
	"errors"
	"fmt"
	"time"
)

// maxConnections is the most that [Limits] may allow. Fasthttp has a higher limit of its own, whose answer is not a problem.
const maxConnections = 100_000

// Limits keep one caller, or one slow client, from using up the server. Each replica counts for itself.
type Limits struct {
	Rate        int // requests per second of one API key, and as many at once; 0 for no limit
	Waiting     int // waiting requests and streams of one API key at one time
	Connections int // at one time

	ReadTimeout  time.Duration // for a whole request to arrive, and for the first one of a connection to begin
	WriteTimeout time.Duration // for a client to read an answer, or the next part of a long one
	IdleTimeout  time.Duration // between an answer and the next request on its connection
}

// DefaultLimits returns the limits of a server without other settings.
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

// Validate returns an error that names every invalid limit.
func (l Limits) Validate() error {
	var errs []error
	check := func(valid bool, format string, args ...any) {
		if !valid {
			errs = append(errs, fmt.Errorf("http: "+format, args...))
		}
	}
	check(l.Rate >= 0, "the limit of requests a second must be 0, for none, or more; it is %d", l.Rate)
	check(l.Waiting >= 1, "the limit of requests that wait must be at least 1; it is %d", l.Waiting)
	check(l.Connections >= 1 && l.Connections <= maxConnections,
		"the limit of connections must be from 1 to %d; it is %d", maxConnections, l.Connections)
	check(l.ReadTimeout > 0, "the read timeout must be more than 0; it is %v", l.ReadTimeout)
	check(l.WriteTimeout > 0, "the write timeout must be more than 0; it is %v", l.WriteTimeout)
	check(l.IdleTimeout > 0, "the idle timeout must be more than 0; it is %v", l.IdleTimeout)
	return errors.Join(errs...)
}
