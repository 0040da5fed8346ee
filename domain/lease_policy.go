package domain

import (
	"fmt"
	"time"
)

// The times to live of the zero [LeasePolicy].
const (
	DefaultTTL = 15 * time.Minute
	LongestTTL = 24 * time.Hour
)

// LeasePolicy is what the operator of a farm decides about leases. The zero value is ready to use.
type LeasePolicy struct {
	DefaultTTL time.Duration // of a lease whose caller asks for none; 0 is [DefaultTTL], or LongestTTL if that is shorter
	LongestTTL time.Duration // that a caller may ask for; 0 is [LongestTTL]

	// QuarantineOnExpiry puts the users of a lease into quarantine if it expires before it is released: its holder may
	// have left them in any state.
	QuarantineOnExpiry bool
}

// Validate returns an error if no lease can be granted under the policy: a time to live is negative or shorter than a
// second, or the default is longer than the longest.
func (p LeasePolicy) Validate() error {
	byDefault, longest := p.ttls()
	switch {
	case longest < time.Second:
		return fmt.Errorf("the longest time to live of a lease is %v, but must be at least a second", longest)
	case byDefault < time.Second:
		return fmt.Errorf("the default time to live of a lease is %v, but must be at least a second", byDefault)
	case byDefault > longest:
		return fmt.Errorf("the default time to live of a lease, %v, must not be above the longest, %v", byDefault, longest)
	default:
		return nil
	}
}

// TTL returns the time to live for the one that a caller asks for: the default for 0. It returns an [InvalidError] about
// /ttl_seconds if that is shorter than a second or longer than the longest.
func (p LeasePolicy) TTL(asked time.Duration) (time.Duration, error) {
	byDefault, longest := p.ttls()
	switch {
	case asked == 0:
		return byDefault, nil
	case asked < time.Second || asked > longest:
		return 0, Invalid("/ttl_seconds", fmt.Sprintf("must be from 1 to %d", int64(longest/time.Second)))
	default:
		return asked, nil
	}
}

// Apply returns the terms on which a lease is granted to a caller that asks for some. It returns an [InvalidError] that
// names every bad field of them.
func (p LeasePolicy) Apply(asked Terms) (Terms, error) {
	ttl, errTTL := p.TTL(asked.TTL)
	if err := JoinInvalid(CheckTerms(asked), errTTL); err != nil {
		return Terms{}, err
	}
	asked.TTL, asked.quarantineOnExpiry = ttl, p.QuarantineOnExpiry
	return asked, nil
}

func (p LeasePolicy) ttls() (byDefault, longest time.Duration) {
	longest = p.LongestTTL
	if longest == 0 {
		longest = LongestTTL
	}
	byDefault = p.DefaultTTL
	if byDefault == 0 {
		byDefault = min(DefaultTTL, longest)
	}
	return byDefault, longest
}
