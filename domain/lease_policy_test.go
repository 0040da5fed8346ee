package domain_test

import (
	"testing"
	"time"

	"github.com/userfarm/userfarm/domain"
)

func TestALeasePolicyChoosesTheTimeToLive(t *testing.T) {
	policy := domain.LeasePolicy{DefaultTTL: time.Minute, LongestTTL: time.Hour}
	for asked, want := range map[time.Duration]time.Duration{0: time.Minute, time.Second: time.Second, time.Hour: time.Hour} {
		if got, err := policy.TTL(asked); err != nil || got != want {
			t.Errorf("TTL(%v) = %v, %v", asked, got, err)
		}
	}
	for _, asked := range []time.Duration{-1, time.Second - 1, time.Hour + 1} {
		_, err := policy.TTL(asked)
		wantFields(t, err, "/ttl_seconds")
	}
}

func TestTheZeroLeasePolicyHasDefaults(t *testing.T) {
	for policy, want := range map[domain.LeasePolicy][2]time.Duration{
		{}:                             {15 * time.Minute, 24 * time.Hour},
		{LongestTTL: time.Minute}:      {time.Minute, time.Minute},
		{LongestTTL: 48 * time.Hour}:   {15 * time.Minute, 48 * time.Hour},
		{DefaultTTL: time.Hour}:        {time.Hour, 24 * time.Hour},
		{QuarantineOnExpiry: true}:     {15 * time.Minute, 24 * time.Hour},
		{DefaultTTL: 24 * time.Hour}:   {24 * time.Hour, 24 * time.Hour},
		{LongestTTL: 15 * time.Minute}: {15 * time.Minute, 15 * time.Minute},
	} {
		must(t, policy.Validate())
		if got, err := policy.TTL(0); err != nil || got != want[0] {
			t.Errorf("the default of %+v is %v, %v; want %v", policy, got, err, want[0])
		}
		if _, err := policy.TTL(want[1]); err != nil {
			t.Errorf("the longest of %+v is rejected: %v", policy, err)
		}
		_, err := policy.TTL(want[1] + 1)
		wantFields(t, err, "/ttl_seconds")
	}
}

func TestALeasePolicyThatCantWorkIsInvalid(t *testing.T) {
	for _, policy := range []domain.LeasePolicy{
		{DefaultTTL: -1},
		{LongestTTL: -time.Hour},
		{DefaultTTL: time.Millisecond},
		{LongestTTL: time.Millisecond},
		{DefaultTTL: 2 * time.Minute, LongestTTL: time.Minute},
		{DefaultTTL: 25 * time.Hour},
	} {
		if policy.Validate() == nil {
			t.Errorf("%+v is valid", policy)
		}
	}
}

func TestALeasePolicyNamesEveryBadTerm(t *testing.T) {
	_, err := domain.LeasePolicy{}.Apply(domain.Terms{Owner: "\x00", TTL: -1, Wait: time.Hour})
	wantFields(t, err, "/wait_seconds", "/owner", "/ttl_seconds")
}
