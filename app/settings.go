package app

import (
	"errors"
	"fmt"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

const (
	// By default, ended leases are kept for longer than any lease lasts that is never renewed.
	defaultLeaseAge = 7 * 24 * time.Hour
	defaultEventAge = 30 * 24 * time.Hour
)

// Settings are the settings that the operator of a farm chooses. The zero value is ready to use.
type Settings struct {
	Leases      domain.LeasePolicy
	OpenLockTTL time.Duration // of open locks, at least a second; 0 is no expiry

	// Ages say how long housekeeping keeps ended leases (0 is a week) and events (0 is 30 days).
	Ages ports.Ages
}

// Validate returns an error with all settings that a farm can't work with.
func (s Settings) Validate() error {
	errs := []error{s.Leases.Validate()}
	if s.OpenLockTTL != 0 && s.OpenLockTTL < time.Second {
		errs = append(errs, fmt.Errorf("the time to live of an open lock is %v, but must be 0 or at least a second", s.OpenLockTTL))
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
