package entrance

import (
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"
)

// servedRoutes are the routes with a role, as Fiber has them, and then the given ones.
func servedRoutes(more ...string) []fiber.Route {
	var routes []fiber.Route
	for name := range leastRoles {
		more = append(more, name)
	}
	for name := range pageRoles {
		more = append(more, name)
	}
	for _, name := range more {
		method, path, _ := strings.Cut(name, " ")
		routes = append(routes, fiber.Route{Method: method, Path: path})
	}
	return routes
}

func TestEveryServedRouteNeedsARole(t *testing.T) {
	if err := CheckRoutes(servedRoutes("HEAD /v1/users")); err != nil {
		t.Errorf("got the error %v", err)
	}
	for _, name := range []string{"GET /v1/secrets", "PUT /v1/pools"} {
		err := CheckRoutes(servedRoutes(name))
		if want := "http: no role is set for the route " + name; err == nil || err.Error() != want {
			t.Errorf("got the error %v, want %s", err, want)
		}
	}
}

func TestEveryRoleNeedsARoute(t *testing.T) {
	served := servedRoutes()
	missing := served[0].Method + " " + served[0].Path
	err := CheckRoutes(served[1:])
	if want := "http: a role is set for the route " + missing + ", which is not served"; err == nil || err.Error() != want {
		t.Errorf("got the error %v, want %s", err, want)
	}
}
