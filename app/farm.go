// Package app holds the use cases: it checks what a caller asks for, lets the store find the users and the domain decide
// about them, and returns what the caller may see. It knows no transport and no database.
package app

import (
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// Settings are the rules that a farm's operator chooses.
type Settings struct {
	TTLs        domain.TTLs   // of leases
	OpenLockTTL time.Duration // of open locks; 0 is no expiry

	// QuarantineOnExpiry puts users into quarantine whose lease expires before it is released.
	QuarantineOnExpiry bool
}

// Farm implements [ports.Farm] over a store.
type Farm struct {
	store    ports.Store
	settings Settings
}

var _ ports.Farm = (*Farm)(nil)

// New returns the farm whose users are in store.
func New(store ports.Store, settings Settings) *Farm {
	return &Farm{store: store, settings: settings}
}
