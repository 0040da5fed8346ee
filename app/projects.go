package app

import (
	"context"
	"slices"

	"github.com/userfarm/userfarm/domain"
)

// Projects implements [ports.Projects].
func (f *Farm) Projects(ctx context.Context) ([]domain.ProjectCount, error) {
	pools, err := f.store.CountPools(ctx, f.caller.Scope)
	if err != nil {
		return nil, err
	}
	named, err := f.store.ProjectNames(ctx, f.caller.Scope)
	if err != nil {
		return nil, err
	}
	return domain.CountProjects(pools, named), nil
}

// ProjectNames implements [ports.Projects].
func (f *Farm) ProjectNames(ctx context.Context) ([]domain.Project, error) {
	named, err := f.store.ProjectNames(ctx, f.caller.Scope)
	slices.SortFunc(named, domain.CompareProjects)
	return named, err
}

// NameProject implements [ports.Projects].
func (f *Farm) NameProject(ctx context.Context, project domain.Project, reason string) error {
	if err := domain.CheckProject(project, reason); err != nil {
		return err
	}
	if err := f.checkProject(project.ID); err != nil {
		return err
	}
	return f.store.NameProject(ctx, project, project.Named(f.caller.Key, reason))
}
