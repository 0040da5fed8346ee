package dashboard

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/userfarm/userfarm/adapters/http/internal/entrance"
	"github.com/userfarm/userfarm/adapters/http/internal/read"
	"github.com/userfarm/userfarm/adapters/http/problem"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// keysAtOnce is how many API keys a page has.
const keysAtOnce = 100

// keyRow is an API key for people, without its token.
type keyRow struct {
	ID                          string
	Name                        string
	Role                        domain.Role
	Status                      domain.KeyStatus
	Projects                    []string // none for all projects
	Created, Expires, Used, End time.Time
	Own                         bool // the caller uses it
}

func (p projects) key(key domain.KeyView, caller domain.Caller) keyRow {
	row := keyRow{
		ID: key.ID.String(), Name: key.Name, Role: key.Role, Status: key.Status, Created: key.CreatedAt, Expires: key.ExpiresAt,
		Used: key.LastUsedAt, End: key.RevokedAt, Own: key.ID == caller.Key,
	}
	for _, id := range key.Scope.Projects {
		row.Projects = append(row.Projects, p.name(id))
	}
	return row
}

// showKeys serves GET /ui/keys.
func (d *Dashboard) showKeys(c *fiber.Ctx) error {
	var asks ports.KeyQuery
	known := read.Parameters[ports.KeyQuery]{"after": read.CursorParameter(func(q *ports.KeyQuery) *domain.APIKeyID { return &q.After })}
	raw, done := cutDone(read.RawQuery(c))
	if err := known.Read(raw, &asks); err != nil {
		return err
	}
	return d.renderKeys(c, fiber.StatusOK, asks, map[string]any{"Done": doneTexts[done]})
}

// createKey serves POST /ui/keys. Its answer shows the token this one time.
func (d *Dashboard) createKey(c *fiber.Ctx) error {
	farm := entrance.Of(c).Farm
	names, err := projectsOf(c.UserContext(), farm)
	if err != nil {
		return err
	}
	spec := domain.KeySpec{
		Name: strings.TrimSpace(c.FormValue("name")), Role: domain.Role(c.FormValue("role")), Reason: whatFor(c),
	}
	if projects := strings.FieldsFunc(c.FormValue("project"), func(r rune) bool { return r == ',' || r == '\n' || r == '\r' }); len(projects) > 0 {
		ids := make([]domain.ProjectID, 0, len(projects))
		for _, text := range projects {
			id, errProject := names.find(strings.TrimSpace(text))
			if errProject != nil {
				err = domain.Invalid("/projects", "must be names or ids of projects, with commas between them")
			}
			ids = append(ids, id)
		}
		spec.Scope = domain.Only(ids...)
	}
	if text := strings.TrimSpace(c.FormValue("days")); text != "" {
		days, errDays := strconv.Atoi(text)
		if errDays != nil || days < 1 || days > int(domain.MaxKeyTTL/(24*time.Hour)) {
			err = domain.JoinInvalid(err, domain.Invalid("/expires_in_seconds", "must be a number of days from 1 to 3650"))
		}
		spec.TTL = time.Duration(max(days, 0)) * 24 * time.Hour
	}
	var key domain.KeyView
	var token domain.Token
	if err == nil {
		key, token, err = farm.CreateKey(c.UserContext(), spec)
	} else {
		err = domain.JoinInvalid(err, domain.CheckKeySpec(spec))
	}
	if err != nil {
		if kind := problem.KindOf(err); kind.Status >= fiber.StatusInternalServerError {
			return err
		}
		why, wrong := whyFailed(err)
		typed := map[string]string{}
		for _, name := range []string{"name", "role", "project", "days", "reason"} {
			typed[name] = c.FormValue(name)
		}
		return d.renderKeys(c, problem.KindOf(err).Status, ports.KeyQuery{}, map[string]any{"Failed": why, "Wrong": wrong, "In": typed})
	}
	return d.renderKeys(c, fiber.StatusCreated, ports.KeyQuery{}, map[string]any{"NewName": key.Name, "NewToken": token.Reveal()})
}

func (d *Dashboard) renderKeys(c *fiber.Ctx, status int, asks ports.KeyQuery, data map[string]any) error {
	admission := entrance.Of(c)
	names, err := projectsOf(c.UserContext(), admission.Farm)
	if err != nil {
		return err
	}
	asks.Limit = keysAtOnce
	page, err := admission.Farm.Keys(c.UserContext(), asks)
	if err != nil {
		return err
	}
	rows := make([]keyRow, len(page.Keys))
	for i, key := range page.Keys {
		rows[i] = names.key(key, admission.Caller)
	}
	if data["Events"], err = keyEvents(c.UserContext(), admission.Farm, names); err != nil {
		return err
	}
	data["Title"], data["Keys"], data["Projects"] = "API keys", rows, names
	if next := read.FormatCursor(page.Next); next != nil {
		data["Next"] = link("keys", "after", *next)
	}
	for _, name := range []string{"In", "Wrong"} {
		if data[name] == nil {
			data[name] = map[string]string{}
		}
	}
	return d.render(c, status, "keys", data)
}

// keyEventsRead is how many events about API keys are read for a page. A key for 100 projects has 100 of each kind.
const keyEventsRead = 1000

// keyEvents returns the newest events about API keys, newest first. A key for several projects has an event in each of them, of which
// this returns one.
func keyEvents(ctx context.Context, farm ports.Farm, names projects) (rows []eventRow, err error) {
	page, err := farm.Events(ctx, ports.EventQuery{Kinds: keyKinds, NewestFirst: true, Limit: keyEventsRead})
	if err != nil {
		return nil, err
	}
	type one struct {
		kind domain.EventKind
		key  domain.APIKeyID
	}
	seen := make(map[one]bool)
	for _, e := range page.Events {
		if of := (one{e.Kind, e.About}); !seen[of] && len(rows) < eventsAtOnce {
			seen[of] = true
			rows = append(rows, names.event(e))
		}
	}
	return rows, nil
}

// keyOfForm returns the API key that a form is about.
func keyOfForm(ctx context.Context, farm ports.Farm, in input) (any, map[string]string, error) {
	id, err := domain.ParseAPIKeyID(in("id"))
	if err != nil {
		return nil, nil, domain.Invalid("/id", domain.IDRule)
	}
	names, err := projectsOf(ctx, farm)
	if err != nil {
		return nil, nil, err
	}
	key, err := farm.Key(ctx, id)
	return names.key(key, domain.Caller{}), map[string]string{"id": id.String()}, err
}

// revokeKey revokes the API key of a form.
func revokeKey(ctx context.Context, farm ports.Farm, in input) (string, error) {
	id, err := domain.ParseAPIKeyID(in("id"))
	if err != nil {
		return "", domain.Invalid("/id", domain.IDRule)
	}
	if _, err := farm.RevokeKey(ctx, id, in("reason")); err != nil {
		return "", err
	}
	return link("keys", "done", "revoke-key"), nil
}
