package main

import (
	"context"
	"fmt"
	"os"
)

type quarantineUser struct {
	oneUser  `embed:""`
	jsonFlag `embed:""`

	Reason string `help:"Why, for people." required:"" placeholder:"REASON"`
}

// Help has the example.
func (*quarantineUser) Help() string {
	return `A current holder keeps the user.

Example:

  userfarm users quarantine ann@example.com --reason "the password has expired"`
}

// Run takes the user out of circulation.
func (q *quarantineUser) Run(ctx context.Context) error {
	view, err := q.find(ctx)
	if err != nil {
		return err
	}
	if view, err = q.farm.Quarantine(ctx, view.ID, q.Reason); err != nil {
		return q.advise(err)
	}
	return q.writeUser(ctx, q.farm, view)
}

type restoreUser struct {
	oneUser  `embed:""`
	jsonFlag `embed:""`

	Reason string `help:"What was done, for people." placeholder:"REASON"`
}

// Help has the example.
func (*restoreUser) Help() string {
	return `Example:

  userfarm users restore ann@example.com --reason "has a new password"`
}

// Run puts the user back into circulation.
func (r *restoreUser) Run(ctx context.Context) error {
	view, err := r.find(ctx)
	if err != nil {
		return err
	}
	if view, err = r.farm.Restore(ctx, view.ID, r.Reason); err != nil {
		return r.advise(err)
	}
	return r.writeUser(ctx, r.farm, view)
}

type forceRelease struct {
	oneUser  `embed:""`
	jsonFlag `embed:""`

	Reason string `help:"Why, for people." placeholder:"REASON"`
}

// Help has the example.
func (*forceRelease) Help() string {
	return `The holder is not asked, and may still be using the user.

Example:

  userfarm users force-release ann@example.com --reason "the machine of ci-4711 is gone"`
}

// Run ends the lock that the user has now, and not one that begins meanwhile.
func (f *forceRelease) Run(ctx context.Context) error {
	view, err := f.find(ctx)
	if err != nil {
		return err
	}
	if view.Lock == nil {
		fmt.Fprintf(os.Stderr, "nobody holds %s\n", view.Login)
		return f.writeUser(ctx, f.farm, view)
	}
	if view, err = f.farm.ForceRelease(ctx, view.ID, view.Lock.Fence, f.Reason); err != nil {
		return f.advise(err)
	}
	return f.writeUser(ctx, f.farm, view)
}
