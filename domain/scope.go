package domain

import (
	"bytes"
	"slices"
)

// Scope is the projects that somebody may know of. The zero value is all projects.
type Scope struct {
	Limited  bool
	Projects []ProjectID // ascending, each once; if the scope is limited, these are all
}

// Only returns the scope of these projects. Of none, it is empty: nobody is in it.
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

// Covers reports whether all of other is in s.
func (s Scope) Covers(other Scope) bool {
	if !s.Limited {
		return true
	}
	return other.Limited && !slices.ContainsFunc(other.Projects, func(p ProjectID) bool { return !s.Has(p) })
}

// CoversUsers reports whether all the users are in s.
func (s Scope) CoversUsers(users []*User) bool {
	return !slices.ContainsFunc(users, func(u *User) bool { return !s.Has(u.state.Pool.ProjectID) })
}

// Equal reports whether both are the same projects.
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

// allows reports whether a selector for the project, or for any if that is zero, could want a user of the scope.
func (s Scope) allows(project ProjectID) bool { return project.IsZero() || s.Has(project) }

// overlaps reports whether a project could be in both.
func (s Scope) overlaps(other Scope) bool {
	return !s.Limited || !other.Limited || slices.ContainsFunc(s.Projects, other.Has)
}

func compareProjects(a, b ProjectID) int { return bytes.Compare(a[:], b[:]) }
