package ports

import (
	"context"

	"github.com/userfarm/userfarm/domain"
)

// Projects lists the projects and names them. A project exists when it has users or a name.
type Projects interface {
	// Projects counts the users of every project. See [domain.CountProjects] for the order. The cost grows with the number of users.
	Projects(ctx context.Context) ([]domain.ProjectCount, error)

	// ProjectNames returns the projects that have names, in the same order. The cost grows with their number only.
	ProjectNames(ctx context.Context) ([]domain.Project, error)

	// NameProject gives a project a name, in place of the one that it may have. Without a name, it removes the name. The reason may
	// be empty. If the project has exactly this name already, it does nothing. It returns [domain.ErrProjectNameTaken] if another
	// project has the name, which may be outside of the caller's scope.
	NameProject(ctx context.Context, project domain.Project, reason string) error
}

// ProjectStore stores the names of projects, whether or not they have users.
type ProjectStore interface {
	// ProjectNames returns the projects in the scope that have names, in any order.
	ProjectNames(ctx context.Context, scope domain.Scope) ([]domain.Project, error)

	// NameProject writes the name of a project, or removes it if it is empty, and records an event with the time of its clock. If the
	// project has exactly this name, it does nothing. It returns [domain.ErrProjectNameTaken] if another project has a name that is
	// the same: NameKey of package domain/login tells which names are.
	NameProject(ctx context.Context, project domain.Project, named domain.Event) error
}
