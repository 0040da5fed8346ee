package bunstore

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/login"
)

// projectRow is a row of the table projects.
type projectRow struct {
	bun.BaseModel `bun:"table:projects,alias:p"`

	ProjectID string `bun:",pk"`
	Name      string
	NameKey   string
}

// ProjectNames implements [ports.ProjectStore].
func (s *Store) ProjectNames(ctx context.Context, scope domain.Scope) (named []domain.Project, err error) {
	err = s.read(ctx, "read names of projects", func(ctx context.Context, db bun.IDB) error {
		var rows []projectRow
		if err := where(db.NewSelect().Model(&rows), s.dialect.Rules.InScope(scope, "p.project_id")).Scan(ctx); err != nil {
			return err
		}
		named = make([]domain.Project, len(rows))
		for i, row := range rows {
			id, err := uuid.Parse(row.ProjectID)
			if err != nil {
				return refuse(fmt.Errorf("project_id: %w", err))
			}
			named[i] = domain.Project{ID: domain.ProjectID(id), Name: row.Name}
		}
		return nil
	})
	return named, err
}

// NameProject implements [ports.ProjectStore].
func (s *Store) NameProject(ctx context.Context, project domain.Project) error {
	row := &projectRow{ProjectID: project.ID.String(), Name: project.Name, NameKey: login.NameKey(project.Name)}
	return s.bounded(ctx, "name project", func(ctx context.Context) error {
		// Once more is no harm: so it does not matter whether an attempt was about to commit.
		return s.retry(ctx, func() (bool, error) { return false, s.nameProject(ctx, row) })
	})
}

func (s *Store) nameProject(ctx context.Context, row *projectRow) error {
	if row.Name == "" {
		_, err := s.writer.NewDelete().Model(row).WherePK().Exec(ctx)
		return err
	}
	_, err := s.writer.NewInsert().Model(row).On("CONFLICT (project_id) DO UPDATE").
		Set("name = excluded.name, name_key = excluded.name_key").Exec(ctx)
	if err != nil && s.dialect.Cause(err) == Taken {
		return refuse(domain.ErrProjectNameTaken)
	}
	return err
}
