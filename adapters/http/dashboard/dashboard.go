// Package dashboard is the page for people: who holds which user, who waits for what, and, for admins, forms that change it. The pages are
// HTML that the server renders. A page stays up to date with htmx, which is in static with its licence. Nothing is loaded from elsewhere.
//
// The package calls the same inbound port as the API, with the farm of the caller. It has these parts:
//
//   - session.go has the cookie of a person who has signed in, and forgery.go the token that each form has.
//   - view.go says what pages show: the file of each page loads its data. filter.go has what the address bar may ask for.
//   - feed.go refreshes the views that people look at, and stream.go sends them.
//   - changes.go and the files beside it have the forms.
package dashboard

import (
	"context"
	"embed"
	"errors"
	"io/fs"
	"log/slog"
	"net/url"
	"path"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/userfarm/userfarm/adapters/http/internal/api"
	"github.com/userfarm/userfarm/adapters/http/internal/entrance"
	"github.com/userfarm/userfarm/adapters/http/problem"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// Settings are what a server with the page chooses.
type Settings struct {
	// Sealer seals the API keys in cookies. All replicas need the same one. Without it, nobody can sign in: the page then only
	// works for a farm that has no API key.
	Sealer ports.Sealer

	// Secure says that browsers use TLS to reach the server. They then send the cookie over TLS only.
	Secure bool

	// ReadUsers reads a file of users for an import.
	ReadUsers ReadUsers
}

// Dashboard serves the page.
type Dashboard struct {
	settings Settings
	gate     ports.Gate
	guard    entrance.Guard
	long     *entrance.LongRequests
	feed     *feed
}

// New returns the page of the farm behind gate. Its live updates end with shutdown.
func New(
	shutdown context.Context, gate ports.Gate, guard entrance.Guard, long *entrance.LongRequests, settings Settings, log *slog.Logger,
) *Dashboard {
	d := &Dashboard{settings: settings, gate: gate, long: long, feed: newFeed(shutdown, log)}
	d.guard = guard.WithCookie(d.readCookie)
	return d
}

// Guard returns the guard that knows the cookie of the page.
func (d *Dashboard) Guard() entrance.Guard { return d.guard }

// Register adds the routes of the page.
func (d *Dashboard) Register(app fiber.Router) {
	app.Get("/ui/static/:file", d.static)
	app.Get("/ui/sign-in", d.page(d.showSignIn))
	app.Post("/ui/sign-in", d.form(d.signIn))
	app.Post("/ui/sign-out", d.form(d.signOut))
	for _, kind := range viewKinds {
		app.Get(entrance.Pages+kind.Name, d.page(d.show(kind)))
	}
	app.Get("/ui/live", d.page(d.live))
	for name, change := range changes {
		app.Get(entrance.Pages+name, d.page(d.showChange(change)))
		app.Post(entrance.Pages+name, d.form(d.change(change)))
	}
	app.Get("/ui/import", d.page(d.showImport))
	app.Post("/ui/import", d.form(d.checkImport))
	app.Post("/ui/import-confirm", d.form(d.confirmImport))
	app.Get("/ui/keys", d.page(d.showKeys))
	app.Post("/ui/keys", d.form(d.createKey))
}

// policy lets a page load files of this server, send its forms there, and nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; " +
	"base-uri 'none'; frame-ancestors 'none'"

// page returns the handler of a page that shows something. An error becomes a page, too.
func (d *Dashboard) page(handle fiber.Handler) fiber.Handler {
	return func(c *fiber.Ctx) error {
		setPolicy(c)
		if entrance.FromElsewhere(&c.Request().Header) {
			return d.comeAgain(c)
		}
		if err := problem.Catch(func() error { return d.guard.AdmitPage(c, handle) }); err != nil {
			return d.answerError(c, err)
		}
		return nil
	}
}

// form returns the handler of a form.
func (d *Dashboard) form(handle fiber.Handler) fiber.Handler {
	return func(c *fiber.Ctx) error {
		setPolicy(c)
		err := problem.Catch(func() error {
			return d.guard.AdmitPage(c, func(c *fiber.Ctx) error {
				if err := d.checkForm(c); err != nil {
					return err
				}
				defer d.feed.changed()
				return handle(c)
			})
		})
		if err != nil {
			return d.answerError(c, err)
		}
		return nil
	}
}

func setPolicy(c *fiber.Ctx) {
	c.Set(fiber.HeaderContentSecurityPolicy, policy)
	// With no-referrer, browsers would hide the origin of a form, too.
	c.Set(fiber.HeaderReferrerPolicy, "same-origin")
}

// comeAgain answers somebody who followed a link on another site: the browser keeps back the cookie, which is only for requests from this
// site. The answer sends the browser on from this site.
func (d *Dashboard) comeAgain(c *fiber.Ctx) error {
	return d.render(c, fiber.StatusOK, "again", map[string]any{"URL": selfURL(c)})
}

// selfURL returns the URL of a page relative to itself.
func selfURL(c *fiber.Ctx) string {
	self := path.Base(c.Path())
	if query := string(c.Request().URI().QueryString()); query != "" {
		self += "?" + query
	}
	return self
}

// answerError answers a page that says what went wrong. A caller that is not authenticated is asked to sign in.
func (d *Dashboard) answerError(c *fiber.Ctx, err error) error {
	kind := problem.KindOf(err)
	if errors.Is(err, domain.ErrUnauthorized) {
		return d.askToSignIn(c, err)
	}
	entrance.NoteFailure(c, err)
	away := kind.Code == api.CodeStoreUnavailable || kind.Code == api.CodeShuttingDown
	data := map[string]any{
		"Title": kind.Title, "Detail": problem.Detail(err), "Fields": problem.Fields(err), "Status": kind.Status,
		"Retry": away && c.Method() == fiber.MethodGet, "URL": selfURL(c),
	}
	return d.render(c, kind.Status, "error", data)
}

//go:embed static
var staticFiles embed.FS

var contentTypes = map[string]string{
	".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml", ".txt": fiber.MIMETextPlainCharsetUTF8,
}

// static serves a file of the page. Browsers may keep it for an hour, because its URL has the digest of all files.
func (d *Dashboard) static(c *fiber.Ctx) error {
	setPolicy(c)
	name, err := url.PathUnescape(c.Params("file"))
	if err != nil {
		return problem.ErrNotFound
	}
	file, err := fs.ReadFile(staticFiles, "static/"+name)
	if err != nil || strings.ContainsAny(name, `/\`) {
		return problem.ErrNotFound
	}
	c.Set(fiber.HeaderContentType, contentTypes[path.Ext(name)])
	c.Set(fiber.HeaderCacheControl, "private, max-age=3600")
	return c.Send(file)
}
