package main

import (
	"context"
	"os"
	"strconv"

	"github.com/userfarm/userfarm/domain"
)

// projects lists and names the projects of a farm.
type projects struct {
	List   listProjects  `cmd:"" default:"withargs" help:"List the projects, and count their users."`
	Name   nameProject   `cmd:"" help:"Give a project a name, or another one."`
	Unname unnameProject `cmd:"" help:"Take the name of a project away. Its users stay as they are."`
}

type listProjects struct {
	farmFlags `embed:""`
	jsonFlag  `embed:""`
}

// Help has the examples.
func (*listProjects) Help() string {
	return `A project has the users with the same project id. Its name may stand wherever a command takes a project.

Examples:

  userfarm projects
  userfarm projects --json | jq -r '.projects[] | select(.free == 0) | .project_id'`
}

// shownProject is a project as the API has it in JSON.
type shownProject struct {
	ProjectID   string `json:"project_id"`
	Name        string `json:"name"`
	Pools       int    `json:"pools"`
	Total       int    `json:"total"`
	Free        int    `json:"free"`
	Locked      int    `json:"locked"`
	Quarantined int    `json:"quarantined"`
}

// Run lists the projects.
func (l *listProjects) Run(ctx context.Context) error {
	counts, err := l.farm.Projects(ctx)
	if err != nil {
		return l.advise(err)
	}
	if l.JSON {
		return writeJSON(shapeOfProjects(counts))
	}
	rows := [][]string{{"NAME", "FREE", "LOCKED", "QUARANTINED", "TOTAL", "POOLS", "ID"}}
	for _, c := range counts {
		rows = append(rows, []string{
			c.Name, strconv.Itoa(c.Free), strconv.Itoa(c.Locked), strconv.Itoa(c.Quarantined), strconv.Itoa(c.Total),
			strconv.Itoa(c.Pools), c.ID.String(),
		})
	}
	return writeTable(os.Stdout, rows)
}

func shapeOfProjects(counts []domain.ProjectCount) any {
	projects := make([]shownProject, len(counts))
	for i, c := range counts {
		projects[i] = shownProject{
			ProjectID: c.ID.String(), Name: c.Name, Pools: c.Pools, Total: c.Total, Free: c.Free, Locked: c.Locked, Quarantined: c.Quarantined,
		}
	}
	return struct {
		Projects []shownProject `json:"projects"`
	}{projects}
}

type nameProject struct {
	farmFlags `embed:""`

	Project projectName `arg:"" help:"Id of the project, or the name that it has."`
	Name    string      `arg:"" help:"New name of the project."`
	Reason  string      `help:"Why, for people." placeholder:"REASON"`
}

// Help has the examples.
func (*nameProject) Help() string {
	return `A name has at most 64 characters. No other project may have it, in whatever spelling. A project may get a name before it has users.

Examples:

  userfarm projects name 5f2b6c1e-8d3a-4b7f-9c61-2a4e8f0d7b39 Shop
  userfarm projects name Shop "Web shop" --reason "there is a shop for phones, too"`
}

// Run names the project. An empty name would take the name away, which has a command of its own.
func (n *nameProject) Run(ctx context.Context) error {
	if n.Name == "" {
		return invalid(domain.Invalid("/name", "must not be empty; userfarm projects unname takes a name away"))
	}
	return n.advise(n.rename(ctx, n.Project, n.Name, n.Reason))
}

type unnameProject struct {
	farmFlags `embed:""`

	Project projectName `arg:"" help:"Name or id of the project."`
	Reason  string      `help:"Why, for people." placeholder:"REASON"`
}

// Help has the example.
func (*unnameProject) Help() string {
	return `Example:

  userfarm projects unname Shop`
}

// Run takes the name away.
func (u *unnameProject) Run(ctx context.Context) error {
	return u.advise(u.rename(ctx, u.Project, "", u.Reason))
}

func (f *farmFlags) rename(ctx context.Context, project projectName, name, reason string) error {
	id, err := project.find(ctx, f.farm)
	if err != nil {
		return err
	}
	return f.farm.NameProject(ctx, domain.Project{ID: id, Name: name}, reason)
}
