// Package app has the use cases. It checks what a caller asks for, lets a store find the users and the domain decide about
// them, and returns what the caller may see. It knows no transport and no database, and works without fx:
//
//	farm, err := app.New(store, app.Settings{}) // implements ports.Farm
//	gate := app.NewGate(farm, false)            // authenticates callers by API keys; implements ports.Gate
//	go farm.RunHousekeeping(ctx, log)           // ends expired locks, forgets old data
//	go gate.RunRecording(ctx, log)              // records when API keys were used
//
// An acquire passes [Farm.Acquire], which checks and limits the selectors, and a function that the store calls with the
// users, which grants the lease.
package app

import (
	"fmt"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// Farm implements [ports.Farm] over a store, for one caller.
type Farm struct {
	store    ports.Store
	settings Settings
	endings  *endings
	caller   domain.Caller

	explanations *explanations
	advices      *advices
}

var _ ports.Farm = (*Farm)(nil)

// New returns the farm whose users are in store, for [domain.Everybody]. It returns the error of [Settings.Validate].
func New(store ports.Store, settings Settings) (*Farm, error) {
	if err := settings.Validate(); err != nil {
		return nil, fmt.Errorf("settings of the farm: %w", err)
	}
	return &Farm{
		store: store, settings: settings, endings: newEndings(), caller: domain.Everybody(),
		explanations: newExplanations(), advices: newAdvices(),
	}, nil
}

// For returns the same farm for a caller: users of projects outside of the caller's scope do not exist for it, and the
// events of what it does name its API key. Only an admin sees events about API keys. Which role may call which method is for the
// adapter that serves callers.
func (f *Farm) For(caller domain.Caller) *Farm {
	view := *f
	view.caller = caller
	return &view
}
