package client

import (
	"context"
	"io"
	"net/http"

	"github.com/userfarm/userfarm/adapters/client/internal/api"
	"github.com/userfarm/userfarm/domain"
)

// Projects implements [ports.Projects].
func (c *Client) Projects(ctx context.Context) ([]domain.ProjectCount, error) {
	of := call{operation: "count users of projects"}
	answered, err := ask[api.ProjectList](ctx, c, of, func(ctx context.Context) (*http.Response, error) {
		return c.api.ListProjects(ctx)
	})
	if err != nil {
		return nil, err
	}
	var v views
	counts := make([]domain.ProjectCount, len(answered.Projects))
	for i, p := range answered.Projects {
		counts[i] = domain.ProjectCount{
			Project: domain.Project{ID: id[domain.ProjectID](&v, p.ProjectID), Name: p.Name}, Pools: p.Pools,
			Total: p.Total, Free: p.Free, Locked: p.Locked, Quarantined: p.Quarantined,
		}
	}
	return counts, v.check(of)
}

// ProjectNames implements [ports.Projects].
func (c *Client) ProjectNames(ctx context.Context) ([]domain.Project, error) {
	of := call{operation: "list names of projects"}
	answered, err := ask[api.ProjectNameList](ctx, c, of, func(ctx context.Context) (*http.Response, error) {
		return c.api.ListProjectNames(ctx)
	})
	if err != nil {
		return nil, err
	}
	var v views
	named := make([]domain.Project, len(answered.Projects))
	for i, p := range answered.Projects {
		named[i] = domain.Project{ID: id[domain.ProjectID](&v, p.ProjectID), Name: p.Name}
	}
	return named, v.check(of)
}

// NameProject implements [ports.Projects].
func (c *Client) NameProject(ctx context.Context, project domain.Project, reason string) error {
	body := api.NewProjectName{Name: project.Name, Reason: reason}
	_, err := c.do(ctx, call{operation: "name project"}, withBody(body, func(
		ctx context.Context, contentType string, body io.Reader,
	) (*http.Response, error) {
		return c.api.NameProjectWithBody(ctx, project.ID.String(), contentType, body)
	}))
	return err
}
