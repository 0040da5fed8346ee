package main

import (
	"context"
	"fmt"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

type userID domain.UserID

// UnmarshalText implements [encoding.TextUnmarshaler].
func (id *userID) UnmarshalText(text []byte) error { return parseUUID((*[16]byte)(id), text) }

// oneUser is a user that a command is about. People know its login, and programs its id.
type oneUser struct {
	farmFlags `embed:""`

	User    string      `arg:"" help:"Login or id of the user."`
	Project projectName `help:"Project of the user, if the login is in several: its name or its id." placeholder:"PROJECT"`
	Env     string      `help:"Environment of the user, if the login is in several."`
}

// find returns the user.
func (o *oneUser) find(ctx context.Context) (domain.View, error) {
	if id, err := domain.ParseUserID(o.User); err == nil {
		view, err := o.farm.User(ctx, id)
		return view, o.advise(err)
	}
	project, err := o.Project.find(ctx, o.farm)
	if err != nil {
		return domain.View{}, o.advise(err)
	}
	page, err := o.farm.Users(ctx, ports.Query{ProjectID: project, Env: o.Env, Login: o.User})
	switch {
	case err != nil:
		return domain.View{}, o.advise(err)
	case len(page.Users) == 0:
		return domain.View{}, advised(fmt.Errorf("no user has the login %q", o.User), "userfarm users list shows which users there are")
	case len(page.Users) > 1:
		return domain.View{}, advised(fmt.Errorf("%d users have the login %q", len(page.Users), o.User),
			"say which one with --project and --env, or with its id: userfarm users list --login "+shellQuote(o.User))
	}
	return page.Users[0], nil
}

type showUser struct {
	oneUser  `embed:""`
	jsonFlag `embed:""`
}

// Help has the examples.
func (*showUser) Help() string {
	return `Examples:

  userfarm users show ann@example.com
  userfarm users show ann@example.com --json | jq -r .user_id`
}

// Run shows the user.
func (s *showUser) Run(ctx context.Context) error {
	view, err := s.find(ctx)
	if err != nil {
		return err
	}
	return s.writeUser(ctx, s.farm, view)
}

type removeUser struct {
	oneUser `embed:""`

	Reason string `help:"Why, for people." placeholder:"REASON"`
	JSON   bool   `help:"Write which user was removed, as JSON."`
}

// Help has the example.
func (*removeUser) Help() string {
	return `Example:

  userfarm users remove ann@example.com --env stage --reason "the project has ended"`
}

// Run removes the user.
func (r *removeUser) Run(ctx context.Context) error {
	view, err := r.find(ctx)
	if err != nil {
		return err
	}
	if err := r.farm.RemoveUser(ctx, view.ID, r.Reason); err != nil {
		return r.advise(err)
	}
	if r.JSON {
		return writeJSON(struct {
			shownName

			Removed bool `json:"removed"`
		}{shownName{UserID: view.ID.String(), Login: view.Login}, true})
	}
	return nil
}
