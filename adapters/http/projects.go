package http

import (
	"github.com/gofiber/fiber/v2"

	"github.com/userfarm/userfarm/adapters/http/internal/api"
	"github.com/userfarm/userfarm/adapters/http/internal/entrance"
	"github.com/userfarm/userfarm/adapters/http/internal/read"
	"github.com/userfarm/userfarm/domain"
)

// projectRoutes list the projects and name them.
type projectRoutes struct{}

// ListProjects serves GET /v1/projects.
func (projectRoutes) ListProjects(c *fiber.Ctx) error {
	counts, err := entrance.Of(c).Farm.Projects(c.UserContext())
	if err != nil {
		return err
	}
	projects := make([]api.Project, len(counts))
	for i, count := range counts {
		projects[i] = api.Project{
			ProjectID: count.ID.String(), Name: count.Name, Pools: count.Pools,
			Total: count.Total, Free: count.Free, Locked: count.Locked, Quarantined: count.Quarantined,
		}
	}
	return c.JSON(api.ProjectList{Projects: projects})
}

// ListProjectNames serves GET /v1/projects/names.
func (projectRoutes) ListProjectNames(c *fiber.Ctx) error {
	named, err := entrance.Of(c).Farm.ProjectNames(c.UserContext())
	if err != nil {
		return err
	}
	projects := make([]api.ProjectName, len(named))
	for i, p := range named {
		projects[i] = viewProject(p)
	}
	return c.JSON(api.ProjectNameList{Projects: projects})
}

// NameProject serves PUT /v1/projects/{project_id}.
func (projectRoutes) NameProject(c *fiber.Ctx, projectID api.NamedProjectID) error {
	id, errID := domain.ParseProjectID(projectID)
	var req api.NewProjectName
	err := read.Join(errID, read.Body(c, &req))
	project := domain.Project{ID: id}
	if req.Name != nil {
		project.Name = *req.Name
	}
	if err != nil {
		return read.WithRules(err, domain.CheckProject(project, req.Reason))
	}
	if err := entrance.Of(c).Farm.NameProject(c.UserContext(), project, req.Reason); err != nil {
		return err
	}
	return c.JSON(viewProject(project))
}

func viewProject(p domain.Project) api.ProjectName {
	return api.ProjectName{ProjectID: p.ID.String(), Name: p.Name}
}
