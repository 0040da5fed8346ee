package dashboard

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/userfarm/userfarm/adapters/http/internal/api"
	"github.com/userfarm/userfarm/adapters/http/internal/entrance"
	"github.com/userfarm/userfarm/adapters/http/problem"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// change is a form about one thing, which asks what for before anything changes.
type change struct {
	name   string // in the URL, and of the template
	title  string
	button string
	danger bool

	// reason says that the form must say what for: the history is all that other people learn of it.
	reason bool

	// about returns what the form is about, and its first values. It may be nil.
	about func(ctx context.Context, farm ports.Farm, in input) (about any, first map[string]string, err error)

	// apply carries the form out. It returns where to go then: a page and its fields.
	apply func(ctx context.Context, farm ports.Farm, in input) (next string, err error)
}

// input reads what a person has typed into a form.
type input func(name string) string

// doneTexts say what a form did, on the page that it leads to.
var doneTexts = map[string]string{
	"quarantine":    "The user is in quarantine now. Nobody gets it until it is restored.",
	"restore":       "The user is back in circulation.",
	"force-release": "The lock was ended. Its test must not use the user anymore.",
	"add-user":      "The user was added.",
	"change-user":   "The user was changed.",
	"remove-user":   "The user was removed.",
	"name-project":  "The name of the project was changed.",
	"import":        "The import was carried out.",
	"import-later":  "The import is under way: the farm carries out the rest.",
	"revoke-key":    "The API key was revoked. Every replica rejects it within two seconds.",
}

var changes = map[string]*change{
	"quarantine": {
		title: "Put in quarantine", button: "Put in quarantine", danger: true, reason: true, about: userOf,
		apply: func(ctx context.Context, farm ports.Farm, in input) (string, error) {
			return onUser(in, "quarantine", func(id domain.UserID) (domain.View, error) {
				return farm.Quarantine(ctx, id, in("reason"))
			})
		},
	},
	"restore": {
		title: "Restore", button: "Restore", reason: true, about: userOf,
		apply: func(ctx context.Context, farm ports.Farm, in input) (string, error) {
			return onUser(in, "restore", func(id domain.UserID) (domain.View, error) {
				return farm.Restore(ctx, id, in("reason"))
			})
		},
	},
	"force-release": {
		title: "Release by force", button: "Release by force", danger: true, reason: true, about: lockOf,
		apply: func(ctx context.Context, farm ports.Farm, in input) (string, error) {
			fence, err := strconv.ParseUint(in("fence"), 10, 63)
			if err != nil || fence == 0 {
				return "", domain.Invalid("/fence", "must be the fence of the lock that you saw")
			}
			return onUser(in, "force-release", func(id domain.UserID) (domain.View, error) {
				return farm.ForceRelease(ctx, id, fence, in("reason"))
			})
		},
	},
	"add-user":     {title: "Add a user", button: "Add", about: poolOf, apply: addUser},
	"change-user":  {title: "Change a user", button: "Change", about: accountOf, apply: changeUser},
	"remove-user":  {title: "Remove a user", button: "Remove", danger: true, reason: true, about: userOf, apply: removeUser},
	"name-project": {title: "Name a project", button: "Name it", about: projectOf, apply: nameProject},
	"revoke-key":   {title: "Revoke an API key", button: "Revoke", danger: true, reason: true, about: keyOfForm, apply: revokeKey},
}

// userID reads which user a form is about.
func userID(in input) (domain.UserID, error) {
	id, err := domain.ParseUserID(in("id"))
	if err != nil {
		return id, domain.Invalid("/id", domain.IDRule)
	}
	return id, nil
}

// onUser applies a change to the user that a form is about.
func onUser(in input, done string, apply func(domain.UserID) (domain.View, error)) (next string, err error) {
	id, err := userID(in)
	if err != nil {
		return "", err
	}
	if _, err := apply(id); err != nil {
		return "", err
	}
	return link("user", "id", id.String(), "done", done), nil
}

// userOf returns the user that a form is about.
func userOf(ctx context.Context, farm ports.Farm, in input) (any, map[string]string, error) {
	id, err := userID(in)
	if err != nil {
		return nil, nil, err
	}
	names, err := projectsOf(ctx, farm)
	if err != nil {
		return nil, nil, err
	}
	view, err := farm.User(ctx, id)
	return names.user(view), map[string]string{"id": id.String()}, err
}

// lockOf returns the user that a form is about, with the fence that the person saw.
func lockOf(ctx context.Context, farm ports.Farm, in input) (any, map[string]string, error) {
	about, first, err := userOf(ctx, farm, in)
	if err == nil {
		first["fence"] = cmp.Or(in("fence"), about.(userRow).Fence()) //nolint:forcetypeassert // of userOf
	}
	return about, first, err
}

// showChange returns the handler of GET /ui/ and the name of a change.
func (d *Dashboard) showChange(ch *change) fiber.Handler {
	return func(c *fiber.Ctx) error {
		return d.renderChange(c, ch, fiber.StatusOK, func(name string) string { return c.Query(name) }, nil)
	}
}

// change returns the handler of POST /ui/ and the name of a change.
func (d *Dashboard) change(ch *change) fiber.Handler {
	return func(c *fiber.Ctx) error {
		in := func(name string) string {
			if name == "reason" {
				return whatFor(c)
			}
			return strings.ReplaceAll(c.FormValue(name), "\r\n", "\n")
		}
		next, err := ch.carryOut(c.UserContext(), entrance.Of(c).Farm, in)
		if err == nil {
			return c.Redirect(next, fiber.StatusSeeOther)
		}
		if kind := problem.KindOf(err); kind.Status >= fiber.StatusInternalServerError || kind.Code == api.CodeForbidden {
			return err
		}
		return d.renderChange(c, ch, problem.KindOf(err).Status, in, err)
	}
}

// whatFor returns what a form says that it is for. Blanks alone say nothing.
func whatFor(c *fiber.Ctx) string { return strings.TrimSpace(c.FormValue("reason")) }

// carryOut carries the form out, if it says what for or need not.
func (ch *change) carryOut(ctx context.Context, farm ports.Farm, in input) (next string, err error) {
	if ch.reason && in("reason") == "" {
		return "", domain.Invalid("/reason", "must not be empty")
	}
	return ch.apply(ctx, farm, in)
}

// renderChange answers a form. failed is why it was not carried out; nil for a new one. It repeats what a person typed, except secrets.
func (d *Dashboard) renderChange(c *fiber.Ctx, ch *change, status int, in input, failed error) error {
	about, first, err := ch.about(c.UserContext(), entrance.Of(c).Farm, in)
	if err != nil {
		return err
	}
	typed := make(map[string]string)
	for name, text := range first {
		typed[name] = text
	}
	if failed != nil {
		for _, name := range []string{"id", "fence", "reason", "login", "project", "name", "env", "domain", "labels"} {
			typed[name] = in(name)
		}
	}
	data := map[string]any{
		"Title": ch.title, "Name": ch.name, "Button": ch.button, "Danger": ch.danger, "About": about, "In": typed, "Wrong": map[string]string{},
	}
	if failed != nil {
		data["Failed"], data["Wrong"] = whyFailed(failed)
	}
	return d.render(c, status, "form", data)
}

// whyFailed says why a form was not carried out, and what is wrong with its fields.
func whyFailed(err error) (why string, wrong map[string]string) {
	wrong = make(map[string]string)
	fields := problem.Fields(err)
	for _, f := range fields {
		name := formName(f.Pointer)
		if wrong[name] != "" {
			wrong[name] += "; "
		}
		wrong[name] += f.Detail
	}
	if errors.Is(err, domain.ErrInvalid) {
		return fmt.Sprintf("Nothing was changed: %s.", plural(len(fields), "field is not right", "fields are not right")), wrong
	}
	return "Nothing was changed. " + problem.Detail(err), wrong
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprint(n, " ", many)
}

// formName returns the field of a form that a JSON pointer of the API means.
func formName(pointer string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(pointer, "/"), "/")
	if other, ok := map[string]string{"project_id": "project", "projects": "project", "totp_secret": "totp", "expires_in_seconds": "days"}[name]; ok {
		return other
	}
	return name
}

func init() {
	for name, ch := range changes {
		ch.name = name
	}
}
