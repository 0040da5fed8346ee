package domain_test

import (
	"testing"

	"github.com/userfarm/userfarm/domain"
)

func TestEachRoleIncludesTheRolesBeforeIt(t *testing.T) {
	roles := []domain.Role{domain.Viewer, domain.Tester, domain.Admin}
	for i, role := range roles {
		if !role.Valid() {
			t.Errorf("%s is no role", role)
		}
		for j, other := range roles {
			if got := role.Includes(other); got != (i >= j) {
				t.Errorf("%s includes %s: %t", role, other, got)
			}
		}
	}
}

func TestAnInvalidRoleIncludesNothing(t *testing.T) {
	for _, other := range []domain.Role{"", "Admin", "root", "viewer "} {
		if other.Valid() {
			t.Errorf("%q is a role", other)
		}
		for _, role := range []domain.Role{domain.Viewer, domain.Tester, domain.Admin, other} {
			if role.Includes(other) || other.Includes(role) {
				t.Errorf("%q includes %q, or the other way around", role, other)
			}
		}
	}
}
