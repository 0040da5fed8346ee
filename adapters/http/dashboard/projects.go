package dashboard

import (
	"context"
	"slices"
	"strings"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/login"
	"github.com/userfarm/userfarm/ports"
)

// projects are the projects that have names, in their order.
type projects []domain.Project

// name returns the name of a project, or its id.
func (p projects) name(id domain.ProjectID) string {
	for _, project := range p {
		if project.ID == id {
			return project.Name
		}
	}
	return id.String()
}

// find returns the project that a text names: by its name, in any spelling that the farm takes for the same, or by its id.
func (p projects) find(text string) (domain.ProjectID, error) {
	for _, project := range p {
		if login.NameKey(project.Name) == login.NameKey(text) {
			return project.ID, nil
		}
	}
	id, err := domain.ParseProjectID(text)
	if err != nil {
		return id, domain.Invalid("/project", "must be the name or the id of a project that you may see")
	}
	return id, nil
}

func projectsOf(ctx context.Context, farm ports.Projects) (projects, error) {
	return farm.ProjectNames(ctx)
}

// projectOf returns the project that a form is about, and its name.
func projectOf(ctx context.Context, farm ports.Farm, in input) (any, map[string]string, error) {
	id, err := domain.ParseProjectID(in("project"))
	if err != nil {
		return nil, nil, domain.Invalid("/project", domain.IDRule)
	}
	names, err := projectsOf(ctx, farm)
	if err != nil {
		return nil, nil, err
	}
	project := domain.Project{ID: id}
	if at := slices.IndexFunc(names, func(p domain.Project) bool { return p.ID == id }); at >= 0 {
		project = names[at]
	}
	return project, map[string]string{"project": id.String(), "name": project.Name}, nil
}

// nameProject gives the project of a form a name, or takes it away.
func nameProject(ctx context.Context, farm ports.Farm, in input) (string, error) {
	id, err := domain.ParseProjectID(in("project"))
	if err != nil {
		return "", domain.Invalid("/project", domain.IDRule)
	}
	if err := farm.NameProject(ctx, domain.Project{ID: id, Name: strings.TrimSpace(in("name"))}, in("reason")); err != nil {
		return "", err
	}
	return link("pools", "done", "name-project"), nil
}

// poolText is a pool for people.
type poolText struct {
	Project string
	Env     string
	Domain  string
}

// pool returns a pool for people. What is open in it is empty.
func (p projects) pool(pool domain.Pool) poolText {
	text := poolText{Env: pool.Env, Domain: pool.Domain}
	if !pool.ProjectID.IsZero() {
		text.Project = p.name(pool.ProjectID)
	}
	return text
}

// Short returns a name, or the beginning of an id.
func (t poolText) Short() string {
	if _, err := domain.ParseProjectID(t.Project); err == nil {
		return t.Project[:8] + "…"
	}
	return t.Project
}

// To returns a link to a page about the pool.
func (t poolText) To(page string) string {
	return link(page, "project", t.Project, "env", t.Env, "domain", t.Domain)
}
