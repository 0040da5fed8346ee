package http

import (
	"context"
	"errors"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// entrance lets callers in. It comes before anything about their requests is judged, so that who may not enter learns
// nothing.
type entrance struct {
	gate         ports.Gate
	loopbackOnly bool
	rate         *rateLimit
}

// admission is who sends a request, and the farm as they may know it.
type admission struct {
	token  domain.Token
	caller domain.Caller
	farm   ports.Farm
}

type admissionKey struct{}

// admit calls next for callers who may call the route.
func (e entrance) admit(c *fiber.Ctx, next fiber.Handler) error {
	name := routeName(c.Route().Method, c.Route().Path)
	least, known := leastRoles[name]
	if known && least == anybody {
		return next(c)
	}
	admitted, err := e.enter(c.UserContext(), &c.Request().Header)
	if err != nil {
		return challenge(c, err)
	}
	c.Locals(admissionKey{}, admitted)
	if err := e.rate.take(admitted.caller); err != nil {
		return err
	}
	if role := admitted.caller.Role; !role.Includes(least) {
		return explain(domain.ErrForbidden, "This needs the role %s, and the API key has the role %s.", least, role)
	}
	return next(c)
}

// enter returns the admission of who sends a request with the header.
func (e entrance) enter(ctx context.Context, header *fasthttp.RequestHeader) (admission, error) {
	token, err := readToken(header)
	if err != nil {
		return admission{}, err
	}
	caller, farm, err := e.gate.Enter(ctx, token)
	switch {
	case errors.Is(err, domain.ErrUnauthorized) && !token.IsZero():
		return admission{}, explain(err, "The API key is not known here, it has expired, or it was revoked.")
	case err != nil:
		return admission{}, err
	case token.IsZero() && e.loopbackOnly:
		if err := refuseForeignPages(header); err != nil {
			return admission{}, err
		}
	}
	return admission{token, caller, farm}, nil
}

// admissionOf returns the admission of a request; zero if its route needs none, or it has none.
func admissionOf(c *fiber.Ctx) admission {
	admitted, _ := c.Locals(admissionKey{}).(admission)
	return admitted
}

// callerOf returns who sends a request; zero if its route is for anybody.
func callerOf(c *fiber.Ctx) domain.Caller { return admissionOf(c).caller }

// farmOf returns the farm as the sender of a request may know it; nil if its route is for anybody.
func farmOf(c *fiber.Ctx) ports.Farm { return admissionOf(c).farm }
