package entrance

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/gofiber/fiber/v2"

	"github.com/userfarm/userfarm/domain"
)

// public is the role of routes that need no API key: they tell nothing about the users of the farm.
const public domain.Role = ""

// leastRoles has the role that each route needs. Callers with a role that includes it may call the route, too. HEAD needs
// what GET needs.
var leastRoles = map[string]domain.Role{
	"GET /":             public,
	"GET /healthz":      public,
	"GET /readyz":       public,
	"GET /openapi.yaml": public,
	"GET /docs":         public,
	"GET /docs/:file":   public,
	"GET /ping":         public,

	"GET /metrics":           domain.Viewer,
	"GET /v1/users":          domain.Viewer,
	"GET /v1/users/:user_id": domain.Viewer,
	"GET /v1/pools":          domain.Viewer,
	"GET /v1/pools/advice":   domain.Viewer,
	"GET /v1/projects":       domain.Viewer,
	"GET /v1/projects/names": domain.Viewer,
	"GET /v1/line":           domain.Viewer,
	"GET /v1/events":         domain.Viewer,
	"GET /v1/events/stream":  domain.Viewer,

	"POST /v1/leases":                              domain.Tester,
	"GET /v1/leases/:lease_id":                     domain.Tester,
	"POST /v1/leases/:lease_id/renew":              domain.Tester,
	"POST /v1/leases/:lease_id/release":            domain.Tester,
	"POST /v1/leases/:lease_id/users/:user_id/otp": domain.Tester,

	"GET /v1/leases/:lease_id/users/:user_id/session":    domain.Tester,
	"PUT /v1/leases/:lease_id/users/:user_id/session":    domain.Tester,
	"DELETE /v1/leases/:lease_id/users/:user_id/session": domain.Tester,

	"POST /create_user":  domain.Tester,
	"GET /get_users":     domain.Tester,
	"POST /acquire_lock": domain.Tester,
	"POST /release_lock": domain.Tester,

	"POST /v1/users":                          domain.Admin,
	"POST /v1/users/import":                   domain.Admin,
	"POST /v1/users/import/:import_id/finish": domain.Admin,
	"POST /v1/users/export":                   domain.Admin,
	"PATCH /v1/users/:user_id":                domain.Admin,
	"DELETE /v1/users/:user_id":               domain.Admin,
	"POST /v1/users/:user_id/quarantine":      domain.Admin,
	"POST /v1/users/:user_id/restore":         domain.Admin,
	"POST /v1/users/:user_id/force-release":   domain.Admin,

	"PUT /v1/projects/:project_id": domain.Admin,

	"POST /v1/keys":                domain.Admin,
	"GET /v1/keys":                 domain.Admin,
	"GET /v1/keys/:key_id":         domain.Admin,
	"POST /v1/keys/:key_id/revoke": domain.Admin,
}

// CheckRoutes returns an error that names every served route without a role, and every role without a route.
func CheckRoutes(served []fiber.Route) error {
	var errs []error
	unserved := maps.Clone(leastRoles)
	maps.Copy(unserved, pageRoles)
	for _, route := range served {
		name := routeName(route.Method, route.Path)
		if _, known := roleFor(name); !known {
			errs = append(errs, fmt.Errorf("http: no role is set for the route %s", name))
		}
		delete(unserved, name)
	}
	for _, name := range slices.Sorted(maps.Keys(unserved)) {
		errs = append(errs, fmt.Errorf("http: a role is set for the route %s, which is not served", name))
	}
	return errors.Join(errs...)
}

// roleFor returns the role that a route needs, of the API or of the page.
func roleFor(name string) (least domain.Role, known bool) {
	if least, known = leastRoles[name]; !known {
		least, known = pageRoles[name]
	}
	return least, known
}

// routeName returns the name that leastRoles and pageRoles have for a route.
func routeName(method, path string) string {
	if method == fiber.MethodHead {
		method = fiber.MethodGet
	}
	return method + " " + path
}

// IsAdministration reports whether an admin with an API key has asked a route to change something that only admins may
// change. Other callers change nothing there, and could fill the log. So could an admin above the rate limit.
func IsAdministration(c *fiber.Ctx, route string) bool {
	changes := c.Method() != fiber.MethodGet && c.Method() != fiber.MethodHead
	caller := Of(c).Caller
	least, _ := roleFor(routeName(c.Method(), route))
	return changes && !caller.Key.IsZero() && caller.Role.Includes(domain.Admin) && least == domain.Admin &&
		c.Response().StatusCode() != fiber.StatusTooManyRequests
}
