package domain

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
)

// maxProjectName is the most characters of a project's name.
const maxProjectName = 64

// Project is a project that has a name.
type Project struct {
	ID   ProjectID
	Name string
}

// CheckProject checks a project that is to be named, and the reason for that, which may be empty. It returns an [InvalidError]
// about /project_id for the zero id, about /name for a name that people could not tell from another one, or that a program could
// take for an id, and about /reason. No name is not an error: it removes the name.
func CheckProject(p Project, reason string) error {
	var v violations
	if p.ID.IsZero() {
		v.add("/project_id", IDRule)
	}
	switch {
	case p.Name == "":
	case isUUID(p.Name):
		v.add("/name", "must not be a UUID")
	default:
		v.visible("/name", p.Name, maxProjectName)
	}
	v.text("/reason", reason, maxReason)
	return v.err()
}

// Named returns the event that records that the caller with a key gave the project its name, or removed the name.
func (p Project) Named(by APIKeyID, reason string) Event {
	return Event{Kind: ProjectNamed, Pool: Pool{ProjectID: p.ID}, Name: p.Name, Key: by, Reason: reason}
}

// ProjectCount counts the users of a project by their state. Total is the sum of Free, Locked and Quarantined.
type ProjectCount struct {
	Project     // without a name, if it has none
	Pools       int
	Total       int
	Free        int
	Locked      int
	Quarantined int
}

// CountProjects adds up the pools of each project. It returns the projects that have users or a name. Those with names come
// first, in the order of their names without regard to case; the others follow in the order of their ids.
func CountProjects(pools []PoolCount, named []Project) []ProjectCount {
	at := make(map[ProjectID]int, len(named))
	counts := make([]ProjectCount, 0, len(named))
	of := func(id ProjectID) *ProjectCount {
		i, known := at[id]
		if !known {
			i = len(counts)
			at[id], counts = i, append(counts, ProjectCount{Project: Project{ID: id}})
		}
		return &counts[i]
	}
	for _, p := range named {
		of(p.ID).Name = p.Name
	}
	for _, p := range pools {
		count := of(p.Pool.ProjectID)
		count.Pools++
		count.Total += p.Total
		count.Free += p.Free
		count.Locked += p.Locked
		count.Quarantined += p.Quarantined
	}
	slices.SortFunc(counts, func(a, b ProjectCount) int { return CompareProjects(a.Project, b.Project) })
	return counts
}

// CompareProjects orders projects as [CountProjects] does.
func CompareProjects(a, b Project) int {
	switch {
	case a.Name == "" && b.Name != "":
		return 1
	case a.Name != "" && b.Name == "":
		return -1
	default:
		return cmp.Or(
			strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)),
			strings.Compare(a.Name, b.Name),
			bytes.Compare(a.ID[:], b.ID[:]),
		)
	}
}
