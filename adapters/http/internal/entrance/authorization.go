package entrance

import (
	"errors"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/userfarm/userfarm/adapters/http/problem"
	"github.com/userfarm/userfarm/domain"
)

// readToken reads the token in the header Authorization. It is zero without the header. The error is a
// [domain.ErrUnauthorized] that explains the mistake and does not quote the header.
func readToken(header *fasthttp.RequestHeader) (domain.Token, error) {
	values := header.PeekAll(fiber.HeaderAuthorization)
	switch len(values) {
	case 0:
		return domain.Token{}, nil
	case 1:
		return parseAuthorization(string(values[0]))
	default:
		return domain.Token{}, problem.Explain(domain.ErrUnauthorized, "The header Authorization must be given only once.")
	}
}

// parseAuthorization parses "Bearer" and a token (RFC 6750, section 2.1).
func parseAuthorization(text string) (domain.Token, error) {
	scheme, credentials, _ := strings.Cut(text, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return domain.Token{}, problem.Explain(domain.ErrUnauthorized,
			"The header Authorization must be Bearer, a space, and the token of an API key.")
	}
	token, err := domain.ParseToken(strings.TrimLeft(credentials, " "))
	if err != nil {
		return domain.Token{}, problem.Explain(domain.ErrUnauthorized, "The header Authorization has a %v.", err)
	}
	return token, nil
}

// Challenge returns err. If that is [domain.ErrUnauthorized], the answer gets the header WWW-Authenticate (RFC 6750,
// section 3).
func Challenge(c *fiber.Ctx, err error) error {
	if errors.Is(err, domain.ErrUnauthorized) {
		how := `Bearer realm="userfarm"`
		if len(c.Request().Header.PeekAll(fiber.HeaderAuthorization)) > 0 {
			how += `, error="invalid_token"`
		}
		c.Set(fiber.HeaderWWWAuthenticate, how)
	}
	return err
}
