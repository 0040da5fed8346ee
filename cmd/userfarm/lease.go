package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/userfarm/userfarm/domain"
)

// leaseVariable is the environment variable for the lease id. There is no flag and no argument for it, because other accounts on the
// machine can see those.
const leaseVariable = variablePrefix + "LEASE_ID"

// leaseID returns the id of the lease that a command is about.
func leaseID() (domain.LeaseID, error) {
	text := os.Getenv(leaseVariable)
	if text == "" {
		return domain.LeaseID{}, errors.New(leaseVariable + ` is not set; userfarm acquire --export sets it: eval "$(userfarm acquire --export)"`)
	}
	id, err := domain.ParseLeaseID(text)
	if err != nil {
		return id, errors.New(leaseVariable + " " + domain.IDRule)
	}
	return id, nil
}

type renewCommand struct {
	farmFlags `embed:""`

	TTL  time.Duration `name:"ttl" help:"How long the lease lasts from now on; 0 is what the farm has as its default." default:"0s"`
	JSON bool          `help:"Write when the lease ends, and of which users it is, as JSON."`
}

// Help has the examples.
func (*renewCommand) Help() string {
	return `The lease is that of USERFARM_LEASE_ID. The output is when it ends.

Examples:

  userfarm renew --ttl 10m
  userfarm renew --json | jq -r .expires_at`
}

// Run writes when the lease ends.
func (r *renewCommand) Run(ctx context.Context) error {
	id, err := leaseID()
	if err != nil {
		return err
	}
	lease, err := r.farm.Renew(ctx, id, r.TTL)
	if err != nil {
		return r.advise(err)
	}
	if r.JSON {
		return writeJSON(shownRenewal{ExpiresAt: lease.ExpiresAt.UTC(), Users: namesOf(lease.Users)})
	}
	_, err = fmt.Println(lease.ExpiresAt.UTC().Format(time.RFC3339))
	return err
}

type releaseCommand struct {
	farmFlags `embed:""`

	Quarantine *string  `help:"Take the users out of circulation, with this reason." placeholder:"REASON"`
	User       []userID `help:"With --quarantine, only this user of the lease; may be repeated." placeholder:"USER_ID" sep:"none"`
	JSON       bool     `help:"Write which users are free for others, and which are in quarantine, as JSON."`
}

// Help has the examples.
func (*releaseCommand) Help() string {
	return `The lease is that of USERFARM_LEASE_ID.

Examples:

  userfarm release
  userfarm release --quarantine "the cart is not empty"`
}

// Validate returns an error for flags that make no sense together. The command line calls it.
func (r *releaseCommand) Validate() error {
	switch {
	case r.Quarantine != nil && *r.Quarantine == "":
		return errors.New("--quarantine needs a reason")
	case r.Quarantine == nil && len(r.User) > 0:
		return errors.New("--user needs --quarantine")
	default:
		return nil
	}
}

// Run ends the lease.
func (r *releaseCommand) Run(ctx context.Context) error {
	id, err := leaseID()
	if err != nil {
		return err
	}
	var lease domain.Lease
	if r.JSON || r.Quarantine != nil && len(r.User) == 0 {
		lease, err = r.farm.Lease(ctx, id)
	}
	if err != nil && len(r.User) == 0 { // the farm takes a report about users that are named also after the lease
		return r.advise(err)
	}
	faults := r.faults(lease)
	if err := r.farm.Release(ctx, id, faults...); err != nil {
		return r.advise(err)
	}
	if r.JSON {
		return writeJSON(shapeOfRelease(lease, faults))
	}
	return nil
}

func (r *releaseCommand) faults(lease domain.Lease) (faults []domain.Fault) {
	if r.Quarantine == nil {
		return nil
	}
	for _, user := range r.User {
		faults = append(faults, domain.Fault{UserID: domain.UserID(user), Reason: *r.Quarantine})
	}
	if len(faults) > 0 {
		return faults
	}
	for _, user := range lease.Users {
		faults = append(faults, domain.Fault{UserID: user.ID, Reason: *r.Quarantine})
	}
	return faults
}
