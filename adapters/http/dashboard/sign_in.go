package dashboard

import (
	"errors"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/userfarm/userfarm/adapters/http/problem"
	"github.com/userfarm/userfarm/domain"
)

// showSignIn serves GET /ui/sign-in.
func (d *Dashboard) showSignIn(c *fiber.Ctx) error {
	return d.renderSignIn(c, fiber.StatusOK, "", nextOf(c.Query("next")))
}

// signIn serves POST /ui/sign-in.
func (d *Dashboard) signIn(c *fiber.Ctx) error {
	next := nextOf(c.FormValue("next"))
	if d.settings.Sealer == nil {
		return d.renderSignIn(c, fiber.StatusUnprocessableEntity, "Nobody can sign in here: this server has no encryption key for cookies.", next)
	}
	token, err := domain.ParseToken(strings.TrimSpace(c.FormValue("key")))
	if err != nil {
		return d.renderSignIn(c, fiber.StatusUnprocessableEntity, "This is not an API key: "+reasonOf(err)+".", next)
	}
	caller, _, err := d.gate.Enter(c.UserContext(), token)
	if errors.Is(err, domain.ErrUnauthorized) {
		return d.renderSignIn(c, fiber.StatusUnauthorized, "The API key is not known here, it has expired, or it was revoked.", next)
	}
	if err != nil {
		return err
	}
	if err := d.setCookie(c, token, caller); err != nil {
		return err
	}
	return c.Redirect(next, fiber.StatusSeeOther)
}

// reasonOf returns what a malformed key breaks.
func reasonOf(err error) string {
	_, reason, _ := strings.Cut(err.Error(), ": ")
	return reason
}

// signOut serves POST /ui/sign-out.
func (d *Dashboard) signOut(c *fiber.Ctx) error {
	d.dropCookie(c)
	return c.Redirect("sign-in", fiber.StatusSeeOther)
}

// askToSignIn answers a caller whose cookie does not authenticate it, or who has none.
func (d *Dashboard) askToSignIn(c *fiber.Ctx, err error) error {
	if path.Base(c.Path()) == "live" || c.Method() != fiber.MethodGet && c.Method() != fiber.MethodHead {
		return d.renderSignIn(c, fiber.StatusUnauthorized, whyNotSignedIn(c, err), "overview")
	}
	return d.renderSignIn(c, fiber.StatusUnauthorized, whyNotSignedIn(c, err), nextOf(selfURL(c)))
}

// whyNotSignedIn says why a cookie does not authenticate a person; nothing without a cookie.
func whyNotSignedIn(c *fiber.Ctx, err error) string {
	switch {
	case c.Cookies(cookieName(&c.Request().Header)) == "":
		return ""
	case errors.Is(err, errBadCookie):
		return problem.Detail(errBadCookie)
	default:
		return "You are not signed in anymore: your API key has expired, or it was revoked."
	}
}

func (d *Dashboard) renderSignIn(c *fiber.Ctx, status int, message, next string) error {
	return d.render(c, status, "sign-in", map[string]any{"Title": "Sign in", "Message": message, "Next": next})
}

// nextOf returns where to go after signing in: a page that a text names, or the overview. It leads nowhere else.
func nextOf(text string) string {
	next, err := url.Parse(text)
	if err != nil || next.IsAbs() || next.Host != "" || !isPage(next.Path) {
		return viewKinds[0].Name
	}
	return next.Path + query(next.RawQuery)
}

// isPage reports whether a link on a page leads to the page with the name.
func isPage(name string) bool {
	_, isForm := changes[name]
	return isForm || name == "keys" || name == "import" || slices.ContainsFunc(viewKinds, func(k *viewKind) bool { return k.Name == name })
}

func query(raw string) string {
	if raw == "" {
		return ""
	}
	return "?" + raw
}
