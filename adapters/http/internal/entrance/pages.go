package entrance

import (
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/userfarm/userfarm/adapters/http/problem"
	"github.com/userfarm/userfarm/domain"
)

// Pages is the folder of the page for people. Only the routes in it accept its cookie, and they accept nothing else: no page of another
// site can use the cookie for a call of the API.
const Pages = "/ui/"

// pageRoles is leastRoles for the page.
var pageRoles = map[string]domain.Role{
	"GET /ui/static/:file": public,
	"GET /ui/sign-in":      public,
	"POST /ui/sign-in":     public,
	"POST /ui/sign-out":    public,

	"GET /ui/overview": domain.Viewer,
	"GET /ui/pools":    domain.Viewer,
	"GET /ui/line":     domain.Viewer,
	"GET /ui/advice":   domain.Viewer,
	"GET /ui/users":    domain.Viewer,
	"GET /ui/user":     domain.Viewer,
	"GET /ui/history":  domain.Viewer,
	"GET /ui/live":     domain.Viewer,

	"GET /ui/quarantine":      domain.Admin,
	"POST /ui/quarantine":     domain.Admin,
	"GET /ui/restore":         domain.Admin,
	"POST /ui/restore":        domain.Admin,
	"GET /ui/force-release":   domain.Admin,
	"POST /ui/force-release":  domain.Admin,
	"GET /ui/add-user":        domain.Admin,
	"POST /ui/add-user":       domain.Admin,
	"GET /ui/change-user":     domain.Admin,
	"POST /ui/change-user":    domain.Admin,
	"GET /ui/remove-user":     domain.Admin,
	"POST /ui/remove-user":    domain.Admin,
	"GET /ui/name-project":    domain.Admin,
	"POST /ui/name-project":   domain.Admin,
	"GET /ui/import":          domain.Admin,
	"POST /ui/import":         domain.Admin,
	"POST /ui/import-confirm": domain.Admin,
	"GET /ui/keys":            domain.Admin,
	"POST /ui/keys":           domain.Admin,
	"GET /ui/revoke-key":      domain.Admin,
	"POST /ui/revoke-key":     domain.Admin,
}

// WithCookie returns the guard of a server that has the page. token reads the token in its cookie. It returns the zero token without a
// cookie, and a [domain.ErrUnauthorized] for a cookie that it can't read.
func (g Guard) WithCookie(token func(*fasthttp.RequestHeader) (domain.Token, error)) Guard {
	g.cookie = token
	return g
}

// AdmitPage is [Guard.Admit] for the routes of the page. The token is in the cookie.
func (g Guard) AdmitPage(c *fiber.Ctx, next fiber.Handler) error {
	least, known := pageRoles[routeName(c.Route().Method, c.Route().Path)]
	if known && least == public {
		return next(c)
	}
	admission, err := g.enter(c.UserContext(), &c.Request().Header, g.cookie)
	if err != nil {
		return err
	}
	return g.admit(c, admission, least, next)
}

type failureKey struct{}

// NoteFailure keeps the error of a request that was answered with a page, for the log of requests.
func NoteFailure(c *fiber.Ctx, err error) { c.Locals(failureKey{}, err) }

// FailureOf returns the error that was kept with NoteFailure; nil if there is none.
func FailureOf(c *fiber.Ctx) error {
	err, _ := c.Locals(failureKey{}).(error)
	return err
}

// isPage reports whether a request is for the page, before it is routed. The path is as the client wrote it: one that means a route of the
// page in another spelling does not count.
func isPage(header *fasthttp.RequestHeader) bool {
	return strings.HasPrefix(string(header.RequestURI()), Pages)
}

// CheckOwnPage returns a [domain.ErrForbidden] unless a page of this server sent the request. Browsers tell in Sec-Fetch-Site
// where a request comes from. Where they do not, because the connection is not trustworthy to them, they send Origin with each form.
func CheckOwnPage(header *fasthttp.RequestHeader) error {
	origins := header.PeekAll(fiber.HeaderOrigin)
	own := len(origins) == 1 && isOriginOf(string(origins[0]), string(header.Host()))
	// PeekAll may reuse the slice of the call before.
	if sites := header.PeekAll("Sec-Fetch-Site"); len(sites) > 0 {
		own = len(sites) == 1 && strings.EqualFold(string(sites[0]), "same-origin")
	}
	if !own {
		return problem.Explain(domain.ErrForbidden, "The form was not sent from a page of this farm. Go to the page, and send it from there.")
	}
	return nil
}

// FromElsewhere reports whether a browser opens the page because somebody followed a link on another site.
func FromElsewhere(header *fasthttp.RequestHeader) bool {
	return strings.EqualFold(string(header.Peek("Sec-Fetch-Site")), "cross-site") &&
		strings.EqualFold(string(header.Peek("Sec-Fetch-Mode")), "navigate")
}
