package dashboard

import (
	"encoding/base64"
	"net"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/userfarm/userfarm/adapters/http/internal/entrance"
	"github.com/userfarm/userfarm/adapters/http/problem"
	"github.com/userfarm/userfarm/domain"
)

// cookieName returns the name of the cookie of a person who has signed in. It has the sealed API key, so the API key stays the only thing
// that authenticates: the cookie ends when the key expires or is revoked, and every replica accepts it that has the same encryption keys.
//
// Browsers send a cookie to all ports of a host. With the port in the name, farms on the same host do not sign each other's people out.
func cookieName(header *fasthttp.RequestHeader) string {
	_, port, err := net.SplitHostPort(string(header.Host()))
	if err != nil {
		return "userfarm"
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "userfarm"
	}
	return "userfarm_" + port
}

// cookieAge is how long a browser keeps the cookie of a key that does not expire before.
const cookieAge = 30 * 24 * time.Hour

var errBadCookie = problem.Explain(domain.ErrUnauthorized,
	"You are not signed in anymore: this farm can't read your cookie, because it was changed or its encryption key is gone.")

// readCookie returns the API key in the cookie of a request; the zero token without a cookie.
func (d *Dashboard) readCookie(header *fasthttp.RequestHeader) (domain.Token, error) {
	value := string(header.Cookie(cookieName(header)))
	if value == "" {
		return domain.Token{}, nil
	}
	sealed, err := base64.RawURLEncoding.DecodeString(value)
	if err != nil || d.settings.Sealer == nil {
		return domain.Token{}, errBadCookie
	}
	// No user has the zero id, so nothing that is sealed for a user opens here.
	secret, err := d.settings.Sealer.Open(domain.UserID{}, sealed)
	if err != nil {
		return domain.Token{}, errBadCookie
	}
	token, err := domain.ParseToken(secret.Reveal())
	if err != nil {
		return domain.Token{}, errBadCookie
	}
	return token, nil
}

// setCookie signs a person in with an API key.
func (d *Dashboard) setCookie(c *fiber.Ctx, token domain.Token, caller domain.Caller) error {
	sealed, _, err := d.settings.Sealer.Seal(domain.UserID{}, domain.NewSecret(token.Reveal()))
	if err != nil {
		return err
	}
	expires := time.Now().Add(cookieAge)
	if !caller.ExpiresAt.IsZero() && caller.ExpiresAt.Before(expires) {
		expires = caller.ExpiresAt
	}
	d.writeCookie(c, cookieName(&c.Request().Header), base64.RawURLEncoding.EncodeToString(sealed), expires)
	return nil
}

func (d *Dashboard) dropCookie(c *fiber.Ctx) {
	d.writeCookie(c, cookieName(&c.Request().Header), "", fasthttp.CookieExpireDelete)
}

// writeCookie sets a cookie that only this server gets, in requests from its own pages. No script can read it.
func (d *Dashboard) writeCookie(c *fiber.Ctx, name, value string, expires time.Time) {
	c.Cookie(&fiber.Cookie{
		Name: name, Value: value, Path: cookiePath, Expires: expires,
		HTTPOnly: true, Secure: d.settings.Secure, SameSite: fiber.CookieSameSiteStrictMode,
	})
}

// cookiePath has no prefix, because a proxy may serve the farm beneath one.
const cookiePath = "/"

// sessionOf returns the caller of a page.
func sessionOf(c *fiber.Ctx) domain.Caller { return entrance.Of(c).Caller }
