package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// users manages the users of a farm through its API.
type users struct {
	List         listUsers      `cmd:"" help:"List users, in the order of their creation."`
	Show         showUser       `cmd:"" help:"Show a user."`
	Add          addUser        `cmd:"" help:"Add a user."`
	Change       changeUser     `cmd:"" help:"Change the password, the labels or the second factor of a user."`
	Quarantine   quarantineUser `cmd:"" help:"Take a user out of circulation."`
	Restore      restoreUser    `cmd:"" help:"Put a user back into circulation."`
	ForceRelease forceRelease   `cmd:"" help:"End the lock of a user, no matter who holds it. A lease of several users ends for all of them."`
	Remove       removeUser     `cmd:"" help:"Remove a user that nobody holds."`
}

type listUsers struct {
	farmFlags `embed:""`
	poolFlags `embed:""`
	jsonFlag  `embed:""`

	Login  string `help:"Only the user with this login, in whatever spelling."`
	Status string `help:"Only users in this state: free, locked or quarantined." enum:"free,locked,quarantined," default:"" placeholder:"STATUS"`
	Owner  string `help:"Only users that this owner holds."`
	Limit  int    `help:"The most users to list; 0 is no limit." default:"100"`
}

// Help has the examples.
func (*listUsers) Help() string {
	return `Examples:

  userfarm users list --env stage --label role=admin
  userfarm users list --status quarantined
  userfarm users list --limit 0 --json | jq -r '.users[].login'`
}

// Validate returns an error for a number that can't be meant. The command line calls it.
func (l *listUsers) Validate() error {
	if l.Limit < 0 {
		return errors.New("--limit must be 0 or more")
	}
	return l.poolFlags.Validate()
}

// Run lists the users. It says on standard error if there are more.
func (l *listUsers) Run(ctx context.Context) error {
	selector, err := l.selector(ctx, l.farm)
	if err != nil {
		return l.advise(err)
	}
	l.tellProfile()
	views, more, err := allUsers(ctx, l.farm, ports.Query{
		ProjectID: selector.ProjectID, Env: selector.Env, Domain: selector.Domain, Labels: selector.Labels,
		Login: l.Login, Status: domain.Status(l.Status), Owner: l.Owner,
	}, l.Limit)
	if err != nil {
		return l.advise(err)
	}
	if l.JSON {
		err = writeJSON(shapeOfUsers(views))
	} else {
		err = writeUsers(views, namesOfProjects(ctx, l.farm))
	}
	if more {
		fmt.Fprintln(os.Stderr, "there are more users than these: --limit 0 lists all")
	}
	return err
}

// allUsers returns the users that q matches, at most limit unless it is 0, and whether there are more.
func allUsers(ctx context.Context, farm ports.Farm, q ports.Query, limit int) (views []domain.View, more bool, err error) {
	const page = 1000
	for q.Limit = page; ; {
		if limit > 0 {
			q.Limit = min(page, limit-len(views))
		}
		got, err := farm.Users(ctx, q)
		if err != nil {
			return nil, false, err
		}
		views, q.After = append(views, got.Users...), got.Next
		if q.After.IsZero() || limit > 0 && len(views) >= limit {
			return views, !q.After.IsZero(), nil
		}
	}
}

func writeUsers(views []domain.View, names projectNames) error {
	rows := [][]string{{"LOGIN", "ENV", "DOMAIN", "LABELS", "STATUS", "PROJECT", "ID"}}
	for _, view := range views {
		rows = append(rows, []string{
			view.Login, view.Pool.Env, view.Pool.Domain, labelText(view.Labels), stateText(view), names.of(view.Pool.ProjectID), view.ID.String(),
		})
	}
	return writeTable(os.Stdout, rows)
}

// writeUser writes a user as its command line flags ask for.
func (j jsonFlag) writeUser(ctx context.Context, farm ports.Projects, view domain.View) error {
	if j.JSON {
		return writeJSON(shapeOfUser(view))
	}
	rows := [][]string{{"FIELD", "VALUE"}, {"login", view.Login}, {"id", view.ID.String()},
		{"project", namesOfProjects(ctx, farm).of(view.Pool.ProjectID)}, {"env", view.Pool.Env}, {"domain", view.Pool.Domain}, {"labels", labelText(view.Labels)}, {"status", stateText(view)},
		{"second factor", yesOrNo(view.HasTOTP)}, {"created", timeOr("", view.CreatedAt)}}
	if lock := view.Lock; lock != nil {
		rows = append(rows, []string{"locked since", timeOr("", lock.AcquiredAt)}, []string{"locked until", timeOr("never ends", lock.ExpiresAt)},
			[]string{"note", lock.Note}, []string{"fence", fmt.Sprint(lock.Fence)})
	}
	if quarantine := view.Quarantine; quarantine != nil {
		rows = append(rows, []string{"quarantined since", timeOr("", quarantine.Since)}, []string{"reason", quarantine.Reason})
	}
	return writeTable(os.Stdout, rows)
}

func yesOrNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}
