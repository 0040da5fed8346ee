package dashboard

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"html/template"
	"slices"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/userfarm/userfarm/adapters/http/internal/entrance"
	"github.com/userfarm/userfarm/adapters/http/internal/read"
	"github.com/userfarm/userfarm/adapters/http/problem"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// viewKind is a page that stays up to date.
type viewKind struct {
	Name   string // in the URL, and of the template
	title  string
	fields []string // that its filter may have
	Form   []string // of them, those that its form has

	// load returns what the template shows.
	load func(ctx context.Context, in loading) (any, error)
}

// loading is what a page is loaded from.
type loading struct {
	farm     ports.Farm
	filter   filter
	projects projects
	memo     *memo
	admin    bool // the people who look are admins
}

// memo is what a view keeps between two loads.
type memo struct {
	hour   hour
	loaded time.Time // of the hour
}

var viewKinds = []*viewKind{
	{Name: "overview", title: "Overview", fields: userFields, Form: userFields, load: loadOverview},
	{Name: "pools", title: "Pools", fields: slices.Concat(poolFields, []string{"page"}), Form: poolFields, load: loadPools},
	{
		Name: "advice", title: "How many are enough", fields: slices.Concat(poolFields, []string{"target"}),
		Form: slices.Concat(poolFields, []string{"target"}), load: loadAdvice,
	},
	{
		Name: "line", title: "Line", fields: slices.Concat(userFields, []string{"page"}), Form: userFields, load: loadLine,
	},
	{
		Name: "users", title: "Users", fields: slices.Concat(userFields, []string{"status", "after"}),
		Form: slices.Concat(userFields, []string{"status"}), load: loadUsers,
	},
	{Name: "user", title: "User", fields: []string{"id", "before"}, load: loadUser},
	{
		Name: "history", title: "History", fields: slices.Concat(poolFields, []string{"owner", "login", "kind", "before"}),
		Form: slices.Concat(poolFields, []string{"owner", "login", "kind"}), load: loadHistory,
	},
}

func viewNamed(name string) (*viewKind, error) {
	for _, kind := range viewKinds {
		if kind.Name == name {
			return kind, nil
		}
	}
	return nil, problem.ErrNotFound
}

// rendering is a page as everybody sees it who may see the same: it has nothing of one person.
type rendering struct {
	html     []byte
	id       string // equal renderings have equal ids
	projects projects
}

// viewKey says which callers share a view: those who see the same projects, and may do the same. They share the loads of it.
type viewKey struct {
	kind   *viewKind
	scope  string
	role   domain.Role
	filter string
}

func keyOf(kind *viewKind, caller domain.Caller, f filter) viewKey {
	scope := "all"
	if caller.Scope.Limited {
		scope = strings.Join(caller.Scope.Names(), " ")
	}
	return viewKey{kind: kind, scope: scope, role: caller.Role, filter: f.String()}
}

// load loads and renders a view.
func (k viewKey) load(ctx context.Context, farm ports.Farm, f filter, kept *memo) (r rendering, err error) {
	if r.projects, err = projectsOf(ctx, farm); err != nil {
		return r, err
	}
	if f.Project != "" {
		if f.ProjectID, err = r.projects.find(f.Project); err != nil {
			return r, err
		}
	}
	admin := k.role.Includes(domain.Admin)
	shown, err := k.kind.load(ctx, loading{farm: farm, filter: f, projects: r.projects, memo: kept, admin: admin})
	if err != nil {
		return r, err
	}
	var out bytes.Buffer
	err = templates.ExecuteTemplate(&out, "view-"+k.kind.Name, map[string]any{
		"V": shown, "F": f, "Admin": admin,
	})
	if err != nil {
		return r, err
	}
	digest := sha256.Sum256(out.Bytes())
	r.html, r.id = out.Bytes(), base64.RawURLEncoding.EncodeToString(digest[:12])
	return r, nil
}

// show returns the handler of GET /ui/ and the name of the kind.
func (d *Dashboard) show(kind *viewKind) fiber.Handler {
	return func(c *fiber.Ctx) error {
		raw, done := cutDone(read.RawQuery(c))
		f, err := readFilter(raw, kind.fields)
		if err != nil {
			return err
		}
		if hasEmpty(raw) {
			return c.Redirect(kind.Name+query(f.String()), fiber.StatusSeeOther) // for a short address, which people send to others
		}
		if kind.Name == "user" && f.User.IsZero() {
			return domain.Invalid("/id", domain.IDRule)
		}
		admission := entrance.Of(c)
		shown, at, err := d.feed.get(c.UserContext(), keyOf(kind, admission.Caller, f), f, admission.Farm)
		if err != nil {
			return err
		}
		return d.render(c, fiber.StatusOK, "view", map[string]any{
			"Title": kind.title, "Kind": kind, "F": f, "Projects": shown.projects, "At": at, "Done": doneTexts[done],
			"Body": template.HTML(shown.html), //nolint:gosec // a template made it
			"Live": "live" + query(liveQuery(kind, f, shown.id)),
		})
	}
}

// cutDone cuts the field off a query that says what the form did that led to the page.
func cutDone(raw string) (rest, done string) {
	values, err := read.Query(raw)
	if err != nil || !values.Has("done") {
		return raw, ""
	}
	done = values.Get("done")
	values.Del("done")
	return values.Encode(), done
}

// hasEmpty reports whether a query has a field without a text.
func hasEmpty(raw string) bool {
	values, _ := read.Query(raw)
	for _, texts := range values {
		if slices.ContainsFunc(texts, func(text string) bool { return strings.TrimSpace(text) == "" }) {
			return true
		}
	}
	return false
}

// render answers a page. Every page has a form at least, to sign out.
func (d *Dashboard) render(c *fiber.Ctx, status int, name string, data map[string]any) error {
	caller := sessionOf(c)
	data["Caller"], data["SignedIn"] = caller, !caller.Key.IsZero()
	data["Admin"] = caller.Role.Includes(domain.Admin)
	data["FormToken"] = d.formToken(c)
	data["Page"] = name
	data["Now"] = time.Now()
	var out bytes.Buffer
	if err := templates.ExecuteTemplate(&out, "page-"+name, data); err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, fiber.MIMETextHTMLCharsetUTF8)
	return c.Status(status).Send(out.Bytes())
}
