// Package entrance decides which requests are carried out. It authenticates callers by their API keys, checks the roles
// that routes need, and applies the limits of each key. It runs before the rest of a request is read, so that a rejected
// caller learns nothing about the farm.
package entrance

import (
	"context"
	"errors"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/userfarm/userfarm/adapters/http/problem"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// RequestTimeout bounds the time of the farm for one request. Without it, a store that hangs would block the caller, too.
const RequestTimeout = 10 * time.Second

// Guard admits callers to a farm.
type Guard struct {
	gate         ports.Gate
	loopbackOnly bool
	rate         *rateLimit

	cookie func(*fasthttp.RequestHeader) (domain.Token, error) // see WithCookie
}

// NewGuard returns the guard of the farm behind gate. rate is the number of requests per second of one API key; 0 sets no
// limit. If only this machine reaches the server, loopbackOnly makes the guard reject requests without an API key that
// a browser may have sent for a page of another site.
func NewGuard(gate ports.Gate, loopbackOnly bool, rate int) Guard {
	return Guard{gate: gate, loopbackOnly: loopbackOnly, rate: newRateLimit(rate)}
}

// Admission is the caller of a request, and the farm within the scope of that caller.
type Admission struct {
	Caller domain.Caller
	Farm   ports.Farm

	token domain.Token
}

type admissionKey struct{}

// Of returns the admission of a request. It is zero on public routes.
func Of(c *fiber.Ctx) Admission {
	admission, _ := c.Locals(admissionKey{}).(Admission)
	return admission
}

// Admit calls next if the caller may call the route.
func (g Guard) Admit(c *fiber.Ctx, next fiber.Handler) error {
	least, known := leastRoles[routeName(c.Route().Method, c.Route().Path)]
	if known && least == public {
		return next(c)
	}
	admission, err := g.enter(c.UserContext(), &c.Request().Header, readToken)
	if err != nil {
		return Challenge(c, err)
	}
	return g.admit(c, admission, least, next)
}

// admit calls next for a caller that was authenticated, if its role includes least.
func (g Guard) admit(c *fiber.Ctx, admission Admission, least domain.Role, next fiber.Handler) error {
	c.Locals(admissionKey{}, admission)
	if err := g.rate.take(admission.Caller); err != nil {
		return err
	}
	if role := admission.Caller.Role; !role.Includes(least) {
		return problem.Explain(domain.ErrForbidden, "This needs the role %s, and the API key has the role %s.", least, role)
	}
	return next(c)
}

// enter authenticates the caller that sent the header, in which token finds the token.
func (g Guard) enter(
	ctx context.Context, header *fasthttp.RequestHeader, token func(*fasthttp.RequestHeader) (domain.Token, error),
) (Admission, error) {
	found, err := token(header)
	if err != nil {
		return Admission{}, err
	}
	caller, farm, err := g.gate.Enter(ctx, found)
	switch {
	case errors.Is(err, domain.ErrUnauthorized) && !found.IsZero():
		return Admission{}, problem.Explain(err, "The API key is not known here, it has expired, or it was revoked.")
	case err != nil:
		return Admission{}, err
	case found.IsZero() && g.loopbackOnly:
		if err := rejectForeignPages(header); err != nil {
			return Admission{}, err
		}
	}
	return Admission{Caller: caller, Farm: farm, token: found}, nil
}
