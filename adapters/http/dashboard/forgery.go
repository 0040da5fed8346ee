package dashboard

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/userfarm/userfarm/adapters/http/internal/entrance"
	"github.com/userfarm/userfarm/adapters/http/problem"
	"github.com/userfarm/userfarm/domain"
)

// tokenField is the field of each form with a token that only a page of this server knows.
const tokenField = "form_token"

// guestCookie is a random cookie of somebody who has not signed in.
const guestCookie = "userfarm_guest"

// formToken returns the token of the forms of a page. It is computed from the cookie of the page, and does not tell the cookie.
func (d *Dashboard) formToken(c *fiber.Ctx) string {
	base := formBase(c)
	if base == "" {
		base = rand.Text()
		d.writeCookie(c, guestCookie, base, fasthttp.CookieExpireUnlimited)
	}
	return tokenOf(base)
}

// formBase returns the cookie that the form token of a request is computed from.
func formBase(c *fiber.Ctx) string {
	if signedIn := c.Cookies(cookieName(&c.Request().Header)); signedIn != "" {
		return signedIn
	}
	return c.Cookies(guestCookie)
}

func tokenOf(base string) string {
	mac := hmac.New(sha256.New, []byte(base))
	mac.Write([]byte("userfarm form"))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// checkForm returns a [domain.ErrForbidden] for a form that does not come from a page of this server.
func (d *Dashboard) checkForm(c *fiber.Ctx) error {
	if err := entrance.CheckOwnPage(&c.Request().Header); err != nil {
		return err
	}
	base := formBase(c)
	if base == "" || !hmac.Equal([]byte(c.FormValue(tokenField)), []byte(tokenOf(base))) {
		return problem.Explain(domain.ErrForbidden, "The form is out of date: you have signed in or out since you opened it. Open it again.")
	}
	return nil
}
