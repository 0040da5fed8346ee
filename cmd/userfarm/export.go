package main

import (
	"bufio"
	"context"
	"iter"
	"maps"
	"os"
	"slices"

	"github.com/userfarm/userfarm/adapters/userfile"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

type exportCommand struct {
	farmFlags `embed:""`
	poolFlags `embed:""`

	Login         string `help:"Only the user with this login, in whatever spelling."`
	Status        string `help:"Only users in this state: free, locked or quarantined." enum:"free,locked,quarantined," default:"" placeholder:"STATUS"`
	Owner         string `help:"Only users that this owner holds."`
	Format        string `help:"Format to write: csv, jsonl (a JSON object on each line) or yaml." enum:"csv,jsonl,yaml" default:"csv" placeholder:"FORMAT"`
	WithPasswords bool   `help:"Also write the passwords and the secrets of the second factors. It needs an admin's API key."`
}

// Help has the examples.
func (*exportCommand) Help() string {
	return `Writes users to standard output, in the order of their creation, as userfarm import reads them.

Keep a file with passwords secret. Cells are written as they are: a login or label that begins with = is a formula to a spreadsheet.

Examples:

  userfarm export --env stage > users.csv
  (umask 077; userfarm export --with-passwords --format jsonl > users.jsonl)`
}

// Run writes the users.
func (e *exportCommand) Run(ctx context.Context) error {
	selector, err := e.selector(ctx, e.farm)
	if err != nil {
		return e.advise(err)
	}
	e.tellProfile()
	q := ports.Query{
		ProjectID: selector.ProjectID, Env: selector.Env, Domain: selector.Domain, Labels: selector.Labels,
		Login: e.Login, Status: domain.Status(e.Status), Owner: e.Owner, Limit: exportPage,
	}
	layout := userfile.Layout{Secrets: e.WithPasswords}
	if e.Format == string(userfile.CSV) {
		if err := e.findLabels(ctx, q, &layout); err != nil {
			return e.advise(err)
		}
	}
	out := bufio.NewWriter(os.Stdout)
	writer, err := userfile.NewWriter(out, userfile.Format(e.Format), layout)
	if err != nil {
		return err
	}
	users := e.listed
	if e.WithPasswords {
		users = e.exported
	}
	for user, err := range users(ctx, q) {
		if err != nil {
			return e.advise(err)
		}
		if err := writer.Write(user); err != nil {
			return err
		}
	}
	if err := writer.Flush(); err != nil {
		return err
	}
	return out.Flush()
}

// exportPage is how many users are in memory.
const exportPage = 1000

// findLabels finds which labels the users have: the columns of a CSV file come before the users.
func (e *exportCommand) findLabels(ctx context.Context, q ports.Query, layout *userfile.Layout) error {
	keys := make(map[string]struct{})
	for user, err := range e.listed(ctx, q) {
		if err != nil {
			return err
		}
		for key, value := range user.Labels {
			keys[key] = struct{}{}
			layout.LabelsAsJSON = layout.LabelsAsJSON || !userfile.FitCell(value)
		}
	}
	layout.Labels = slices.Sorted(maps.Keys(keys))
	return nil
}

// listed yields users without their secrets.
func (e *exportCommand) listed(ctx context.Context, q ports.Query) iter.Seq2[domain.Spec, error] {
	return func(yield func(domain.Spec, error) bool) {
		for more := true; more; more = !q.After.IsZero() {
			page, err := e.farm.Users(ctx, q)
			if err != nil {
				yield(domain.Spec{}, err)
				return
			}
			for _, user := range page.Users {
				if !yield(domain.Spec{Login: user.Login, Pool: user.Pool, Labels: user.Labels}, nil) {
					return
				}
			}
			q.After = page.Next
		}
	}
}

// exported yields users with their secrets.
func (e *exportCommand) exported(ctx context.Context, q ports.Query) iter.Seq2[domain.Spec, error] {
	return func(yield func(domain.Spec, error) bool) {
		for more := true; more; more = !q.After.IsZero() {
			page, err := e.farm.ExportUsers(ctx, q)
			if err != nil {
				yield(domain.Spec{}, err)
				return
			}
			for _, user := range page.Users {
				if !yield(user, nil) {
					return
				}
			}
			q.After = page.Next
		}
	}
}
