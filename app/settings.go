package app

import (
	"errors"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

const (
	// By default an ended lease is remembered for longer than a lease lasts that is never renewed.
	defaultLeaseAge = 7 * 24 * time.Hour
	defaultEventAge = 30 * 24 * time.Hour
)

// Settings are the rules that a farm's operator chooses. The zero value is ready to use.
type Settings struct {
	Leases      domain.LeasePolicy
	OpenLockTTL time.Duration // of open locks; 0 is no expiry

	// Ages say when housekeeping forgets ended leases (0 is a week) and events (0 is 30 days).
	Ages ports.Ages
}

// Validate returns an error that names every setting that a farm can't work with.
func (s Settings) Validate() error {
	errs := []error{s.Leases.Validate()}
	if s.OpenLockTTL < 0 {
		errs = append(errs, errors.New("the time to live of an open lock must not be negative"))
	}
	if s.Ages.Leases < 0 || s.Ages.Events < 0 {
		errs = append(errs, errors.New("the ages from which ended leases and events are forgotten must not be negative"))
	}
	return errors.Join(errs...)
}

// ages returns the ages with their defaults.
func (s Settings) ages() ports.Ages {
	ages := s.Ages
	if ages.Leases == 0 {
		ages.Leases = defaultLeaseAge
	}
	if ages.Events == 0 {
		ages.Events = defaultEventAge
	}
	return ages
}
