package memory

import (
	"context"
	"fmt"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/login"
)

// projectNames has the names of projects, and which project has a name.
type projectNames struct {
	names map[domain.ProjectID]string
	owner map[string]domain.ProjectID // by the keys of the names
}

func newProjectNames() projectNames {
	return projectNames{names: make(map[domain.ProjectID]string), owner: make(map[string]domain.ProjectID)}
}

// ProjectNames implements [ports.ProjectStore].
func (s *Store) ProjectNames(ctx context.Context, scope domain.Scope) ([]domain.Project, error) {
	if _, err := s.begin(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	var named []domain.Project
	for id, name := range s.projects.names {
		if scope.Has(id) {
			named = append(named, domain.Project{ID: id, Name: name})
		}
	}
	return named, nil
}

// NameProject implements [ports.ProjectStore].
func (s *Store) NameProject(ctx context.Context, project domain.Project, named domain.Event) error {
	now, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	if project.Name == s.projects.names[project.ID] {
		return nil
	}
	key := login.NameKey(project.Name)
	if owner, taken := s.projects.owner[key]; taken && owner != project.ID {
		return fmt.Errorf("memory: name project: %w", domain.ErrProjectNameTaken)
	}
	delete(s.projects.owner, login.NameKey(s.projects.names[project.ID]))
	delete(s.projects.names, project.ID)
	if project.Name != "" {
		s.projects.names[project.ID], s.projects.owner[key] = project.Name, project.ID
	}
	s.record(now, []domain.Event{named})
	return nil
}
