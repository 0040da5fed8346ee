package main

import (
	"context"
	"os"
	"strconv"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// whoCommand tells who holds what.
type whoCommand struct {
	farmFlags `embed:""`
	poolFlags `embed:""`
	jsonFlag  `embed:""`

	Owner string `help:"Only users that this owner holds."`
}

// Help has the examples.
func (*whoCommand) Help() string {
	return `Examples:

  userfarm who
  userfarm who --env stage --label role=admin`
}

// Run lists the users that are locked.
func (w *whoCommand) Run(ctx context.Context) error {
	selector, err := w.selector(ctx, w.farm)
	if err != nil {
		return w.advise(err)
	}
	views, _, err := allUsers(ctx, w.farm, ports.Query{
		ProjectID: selector.ProjectID, Env: selector.Env, Domain: selector.Domain, Labels: selector.Labels,
		Status: domain.Locked, Owner: w.Owner,
	}, 0)
	if err != nil {
		return w.advise(err)
	}
	if w.JSON {
		return writeJSON(shapeOfUsers(views))
	}
	rows := [][]string{{"LOGIN", "HELD BY", "SINCE", "UNTIL", "RENEWED", "ENV", "DOMAIN", "NOTE"}}
	for _, view := range views {
		if lock := view.Lock; lock != nil {
			rows = append(rows, []string{
				view.Login, ownerText(lock.Owner), timeOr("", lock.AcquiredAt), timeOr("released", lock.ExpiresAt),
				strconv.Itoa(lock.Renewals), view.Pool.Env, view.Pool.Domain, lock.Note,
			})
		}
	}
	return writeTable(os.Stdout, rows)
}
