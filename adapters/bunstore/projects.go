package bunstore

import (
	"context"
	"errors"
	"fmt"
	"time"

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
func (s *Store) NameProject(ctx context.Context, project domain.Project, named domain.Event) error {
	row := &projectRow{ProjectID: project.ID.String(), Name: project.Name, NameKey: login.NameKey(project.Name)}
	for {
		err := s.changeAside(ctx, "name project", func(ctx context.Context, tx bun.Tx, _ time.Time) ([]domain.Event, error) {
			changed, err := s.nameProject(ctx, tx, row)
			if err != nil || !changed {
				return nil, err
			}
			return []domain.Event{named}, nil
		})
		if !errors.Is(err, domain.ErrProjectNameTaken) {
			return err
		}
		// PostgreSQL also takes the name for another project's if two calls give it to this one at the same time.
		if own, errRead := s.hasName(ctx, row); errRead != nil || !own {
			return err
		}
	}
}

// hasName reports whether the project has this name, in whatever spelling.
func (s *Store) hasName(ctx context.Context, row *projectRow) (own bool, err error) {
	err = s.read(ctx, "name project", func(ctx context.Context, db bun.IDB) error {
		own, err = db.NewSelect().Model(row).WherePK().Where("name_key = ?", row.NameKey).Exists(ctx)
		return err
	})
	return own, err
}

// nameProject reports whether the project had another name.
func (s *Store) nameProject(ctx context.Context, tx bun.Tx, row *projectRow) (changed bool, err error) {
	if row.Name == "" {
		return wroteRow(tx.NewDelete().Model(row).WherePK().Exec(ctx))
	}
	changed, err = wroteRow(tx.NewInsert().Model(row).On("CONFLICT (project_id) DO UPDATE").
		Set("name = excluded.name, name_key = excluded.name_key").Where("p.name <> excluded.name").Exec(ctx))
	if err != nil && s.dialect.Cause(err) == Taken {
		err = refuse(domain.ErrProjectNameTaken)
	}
	return changed, err
}
