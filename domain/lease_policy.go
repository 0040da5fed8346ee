package domain

import (
	"cmp"
	"fmt"
	"time"
)

// The times to live of the zero [LeasePolicy].
const (
	DefaultTTL = 15 * time.Minute
	LongestTTL = 24 * time.Hour
)

// LeasePolicy has the settings of leases that the operator of a farm chooses. The zero value is ready to use.
type LeasePolicy struct {
	// DefaultTTL is the time to live of a lease if its caller asks for none. 0 means [DefaultTTL], or the field LongestTTL if
	// that is shorter.
	DefaultTTL time.Duration

	// LongestTTL is the longest time to live that a caller may ask for. 0 means [LongestTTL].
	LongestTTL time.Duration

	// QuarantineOnExpiry puts the users of a lease into quarantine if the lease expires before it is released, because its
	// holder may have left them in any state.
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

// TTL returns the time to live of a lease whose caller asks for this one; 0 asks for the default. It returns an
// [InvalidError] about /ttl_seconds if asked is shorter than a second or longer than the longest.
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

// Apply checks what the caller of an acquire asks for, and returns the terms on which the lease is granted. It returns an
// [InvalidError] with all fields that [CheckSelectors], [CheckTerms] and [LeasePolicy.TTL] reject.
func (p LeasePolicy) Apply(want []Selector, asked Terms) (Terms, error) {
	ttl, errTTL := p.TTL(asked.TTL)
	if err := JoinInvalid(CheckSelectors(want), CheckTerms(asked), errTTL); err != nil {
		return Terms{}, err
	}
	asked.TTL, asked.quarantineOnExpiry = ttl, p.QuarantineOnExpiry
	return asked, nil
}

func (p LeasePolicy) ttls() (byDefault, longest time.Duration) {
	longest = cmp.Or(p.LongestTTL, LongestTTL)
	return cmp.Or(p.DefaultTTL, min(DefaultTTL, longest)), longest
}
