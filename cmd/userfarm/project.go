package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/login"
	"github.com/userfarm/userfarm/ports"
)

// projectName is a project as people name it on the command line: by its id or by its name. The zero value is no project.
type projectName struct {
	id   domain.ProjectID
	name string // if the id is not known
}

// UnmarshalText implements [encoding.TextUnmarshaler]. No name has the form of a UUID.
func (p *projectName) UnmarshalText(text []byte) error {
	*p = projectName{}
	id, err := domain.ParseProjectID(string(text))
	if err == nil {
		p.id = id
		return nil
	}
	named := domain.Project{ID: domain.ProjectID{1}, Name: string(text)}
	if bad, ok := errors.AsType[*domain.InvalidError](domain.CheckProject(named, "")); ok {
		return errors.New("must be the id of a project, or its name, which " + bad.Fields[0].Detail)
	}
	p.name = named.Name
	return nil
}

// String returns the project as it was named.
func (p projectName) String() string {
	if p.id.IsZero() {
		return p.name
	}
	return p.id.String()
}

// find returns the id. It asks the farm only if the project is named by its name.
func (p projectName) find(ctx context.Context, farm ports.Projects) (domain.ProjectID, error) {
	if p.name == "" {
		return p.id, nil
	}
	named, err := farm.ProjectNames(ctx)
	if err != nil {
		return domain.ProjectID{}, err
	}
	return p.in(named)
}

// in returns the id of the project among those that have names.
func (p projectName) in(named []domain.Project) (domain.ProjectID, error) {
	names := make([]string, len(named))
	for i, project := range named {
		if login.NameKey(project.Name) == login.NameKey(p.name) {
			return project.ID, nil
		}
		names[i] = project.Name
	}
	return domain.ProjectID{}, &unknownProjectError{name: p.name, similar: domain.Similar(p.name, names)}
}

var errUnknownProject = errors.New("no project has this name")

// unknownProjectError is an errUnknownProject with the name.
type unknownProjectError struct {
	name    string
	similar []string // names that projects have
}

// Error names similar names.
func (e *unknownProjectError) Error() string {
	return fmt.Sprintf("no project has the name %q", e.name) + e.hint()
}

// hint returns what to add to a text about the name. It is empty if no name is similar.
func (e *unknownProjectError) hint() string {
	if len(e.similar) == 0 {
		return ""
	}
	quoted := make([]string, len(e.similar))
	for i, name := range e.similar {
		quoted[i] = strconv.Quote(name)
	}
	return "; similar names are " + strings.Join(quoted, ", ")
}

// Is makes the error an errUnknownProject.
func (*unknownProjectError) Is(target error) bool { return target == errUnknownProject }

// projectNames are for people, who do not know ids.
type projectNames map[domain.ProjectID]string

// namesOfProjects returns the names that the farm has. Without an answer, people get ids.
func namesOfProjects(ctx context.Context, farm ports.Projects) projectNames {
	named, _ := farm.ProjectNames(ctx) //nolint:errcheck // see above
	names := make(projectNames, len(named))
	for _, project := range named {
		names[project.ID] = project.Name
	}
	return names
}

// of returns the name of a project; its id, if it has none.
func (n projectNames) of(id domain.ProjectID) string {
	if name := n[id]; name != "" {
		return name
	}
	return id.String()
}
