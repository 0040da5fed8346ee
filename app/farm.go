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

// Farm implements [ports.Farm] over a store, as one caller may know it.
type Farm struct {
	store    ports.Store
	settings Settings
	caller   domain.Caller
}

var _ ports.Farm = (*Farm)(nil)

// New returns the farm whose users are in store, as [domain.Everybody] knows it.
func New(store ports.Store, settings Settings) *Farm {
	return &Farm{store: store, settings: settings, caller: domain.Everybody()}
}

// For returns the same farm as caller may know it: users of other projects than the caller's are not there, and what it
// makes happen is on record under its API key. What the caller's role allows is not asked here.
func (f *Farm) For(caller domain.Caller) *Farm {
	view := *f
	view.caller = caller
	return &view
}
