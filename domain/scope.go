package domain

import (
	"bytes"
	"slices"
)

// Scope is the set of projects whose data a caller may access. The zero value is all projects.
type Scope struct {
	Limited  bool
	Projects []ProjectID // the projects of a limited scope, ascending, each once; see [Only]
}

// Only returns the scope of these projects. Without projects, it is the empty scope.
func Only(projects ...ProjectID) Scope {
	sorted := slices.SortedFunc(slices.Values(projects), compareProjects)
	return Scope{Limited: true, Projects: slices.Compact(sorted)}
}

// Names returns the ids of the projects in the canonical form of a UUID.
func (s Scope) Names() []string {
	names := make([]string, len(s.Projects))
	for i, project := range s.Projects {
		names[i] = project.String()
	}
	return names
}

// Has reports whether the project is in the scope.
func (s Scope) Has(project ProjectID) bool {
	if !s.Limited {
		return true
	}
	_, found := slices.BinarySearchFunc(s.Projects, project, compareProjects)
	return found
}

// Covers reports whether s has all projects of other.
func (s Scope) Covers(other Scope) bool {
	if !s.Limited {
		return true
	}
	return other.Limited && !slices.ContainsFunc(other.Projects, func(p ProjectID) bool { return !s.Has(p) })
}

// scopeOf returns the scope of the projects of users.
func scopeOf(users []*User) Scope {
	projects := make([]ProjectID, len(users))
	for i, u := range users {
		projects[i] = u.state.Pool.ProjectID
	}
	return Only(projects...)
}

// CoversUsers reports whether s has the projects of all users.
func (s Scope) CoversUsers(users []*User) bool {
	return !slices.ContainsFunc(users, func(u *User) bool { return !s.Has(u.state.Pool.ProjectID) })
}

// Equal reports whether both scopes have the same projects.
func (s Scope) Equal(other Scope) bool {
	return s.Limited == other.Limited && slices.Equal(s.Projects, other.Projects)
}

// and returns the projects that are in both scopes.
func (s Scope) and(other Scope) Scope {
	switch {
	case !s.Limited:
		return other
	case !other.Limited:
		return s
	default:
		both := slices.DeleteFunc(slices.Clone(s.Projects), func(p ProjectID) bool { return !other.Has(p) })
		return Scope{Limited: true, Projects: both}
	}
}

// overlaps reports whether a project can be in both scopes.
func (s Scope) overlaps(other Scope) bool {
	return !s.Limited || !other.Limited || slices.ContainsFunc(s.Projects, other.Has)
}

func compareProjects(a, b ProjectID) int { return bytes.Compare(a[:], b[:]) }
