package http

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/gofiber/fiber/v2"

	"github.com/userfarm/userfarm/domain"
)

// anybody may call a route without an API key: it tells nothing of the farm but how it is.
const anybody domain.Role = ""

// leastRoles says who may call each route: callers with the role, and with those that include it. A HEAD is a GET.
var leastRoles = map[string]domain.Role{
	"GET /healthz":      anybody,
	"GET /readyz":       anybody,
	"GET /openapi.yaml": anybody,
	"GET /docs":         anybody,
	"GET /ping":         anybody,

	"GET /v1/users":          domain.Viewer,
	"GET /v1/users/:user_id": domain.Viewer,
	"GET /v1/pools":          domain.Viewer,
	"GET /v1/events":         domain.Viewer,
	"GET /v1/events/stream":  domain.Viewer,

	"POST /v1/leases":                              domain.Tester,
	"GET /v1/leases/:lease_id":                     domain.Tester,
	"POST /v1/leases/:lease_id/renew":              domain.Tester,
	"POST /v1/leases/:lease_id/release":            domain.Tester,
	"POST /v1/leases/:lease_id/users/:user_id/otp": domain.Tester,

	"POST /create_user":  domain.Tester,
	"GET /get_users":     domain.Tester,
	"POST /acquire_lock": domain.Tester,
	"POST /release_lock": domain.Tester,

	"POST /v1/users":                        domain.Admin,
	"PATCH /v1/users/:user_id":              domain.Admin,
	"DELETE /v1/users/:user_id":             domain.Admin,
	"POST /v1/users/:user_id/quarantine":    domain.Admin,
	"POST /v1/users/:user_id/restore":       domain.Admin,
	"POST /v1/users/:user_id/force-release": domain.Admin,

	"POST /v1/keys":                domain.Admin,
	"GET /v1/keys":                 domain.Admin,
	"GET /v1/keys/:key_id":         domain.Admin,
	"POST /v1/keys/:key_id/revoke": domain.Admin,
}

// checkAccess returns an error that names every route of which nobody said who may call it, and everything else of which
// somebody did.
func checkAccess(served []fiber.Route) error {
	var errs []error
	unserved := maps.Clone(leastRoles)
	for _, route := range served {
		name := routeName(route.Method, route.Path)
		if _, known := leastRoles[name]; !known {
			errs = append(errs, fmt.Errorf("http: nothing says who may call %s", name))
		}
		delete(unserved, name)
	}
	for _, name := range slices.Sorted(maps.Keys(unserved)) {
		errs = append(errs, fmt.Errorf("http: there is no %s that anybody may call", name))
	}
	return errors.Join(errs...)
}

// routeName returns the name that leastRoles has for a route.
func routeName(method, path string) string {
	if method == fiber.MethodHead {
		method = fiber.MethodGet
	}
	return method + " " + path
}
