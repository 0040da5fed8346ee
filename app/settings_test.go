package app_test

import (
	"errors"
	"testing"
	"time"

	"github.com/userfarm/userfarm/adapters/memory"
	"github.com/userfarm/userfarm/app"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

func TestAFarmWithoutSettingsHandsAUserToOneCallerOnly(t *testing.T) {
	farm, err := app.New(memory.New(), app.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	create(t, farm, "ann")
	lease := acquire(t, farm, anyone, domain.Terms{})
	if got := lease.ExpiresAt.Sub(lease.AcquiredAt); got != domain.DefaultTTL {
		t.Errorf("the lease lasts %v, want %v", got, domain.DefaultTTL)
	}
	_, err = farm.Acquire(t.Context(), anyone, domain.Terms{}, domain.IdempotencyKey{})
	if !errors.Is(err, domain.ErrPoolExhausted) {
		t.Errorf("the second caller gets %v, want %v", err, domain.ErrPoolExhausted)
	}
}

func TestAFarmRejectsSettingsThatCantWork(t *testing.T) {
	for name, settings := range map[string]app.Settings{
		"a negative default":              {Leases: domain.LeasePolicy{DefaultTTL: -time.Minute}},
		"a negative maximum":              {Leases: domain.LeasePolicy{LongestTTL: -time.Minute}},
		"a default above the maximum":     {Leases: domain.LeasePolicy{DefaultTTL: time.Hour, LongestTTL: time.Minute}},
		"less than a second":              {Leases: domain.LeasePolicy{DefaultTTL: time.Millisecond}},
		"a negative time of an open lock": {OpenLockTTL: -time.Second},
		"open locks that end at once":     {OpenLockTTL: time.Nanosecond},
		"a negative age of leases":        {Ages: ports.Ages{Leases: -time.Hour}},
		"a negative age of events":        {Ages: ports.Ages{Events: -time.Hour}},
	} {
		if farm, err := app.New(memory.New(), settings); err == nil || farm != nil {
			t.Errorf("%s: %v, %v", name, farm, err)
		}
	}
}
