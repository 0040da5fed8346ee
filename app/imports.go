package app

import (
	"context"
	"crypto/rand"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

const (
	// batchRows is how many users one transaction of an import writes at most. It bounds how long others wait for it.
	batchRows = 250

	// chunkRows is how many rows are staged together.
	chunkRows = 1000
)

// ImportUsers implements [ports.Imports].
func (f *Farm) ImportUsers(ctx context.Context, part domain.ImportPart) (domain.ImportReport, error) {
	if err := domain.CheckReason(part.Reason); err != nil {
		return domain.ImportReport{}, err
	}
	if part.ID == (domain.ImportID{}) {
		_, _ = rand.Read(part.ID[:]) // never fails, by its documentation
	}
	r := importRun{farm: f, ImportPart: part, whole: part.FirstRow == 0, key: part.ID.Of(f.caller)}
	r.FirstRow = max(part.FirstRow, 1)
	r.report.State = domain.ImportChecked
	if err := r.check(ctx); err != nil {
		return domain.ImportReport{}, err
	}
	all := r.whole && !part.DryRun && !part.Partial
	switch {
	case all && r.report.ErrorsTotal > 0:
		return domain.ImportReport{}, &domain.ImportRefusedError{Report: r.report}
	case all && len(part.Rows) <= batchRows:
		return r.importGood(ctx, true)
	}
	if err := r.stage(ctx); err != nil {
		return domain.ImportReport{}, err
	}
	switch {
	case all:
		return f.finish(ctx, part.ID, len(part.Rows))
	case part.Partial && !part.DryRun:
		return r.importGood(ctx, false)
	default:
		return r.report, nil
	}
}

// finish carries out an import to its end.
func (f *Farm) finish(ctx context.Context, id domain.ImportID, rows int) (report domain.ImportReport, err error) {
	for report.State != domain.ImportApplied && err == nil {
		report, err = f.FinishImport(ctx, id, rows)
	}
	return report, err
}

// importRun is what happens with a part of an import.
type importRun struct {
	domain.ImportPart // with its first row, also if it is whole

	farm       *Farm
	key        domain.ImportKey
	whole      bool
	identities []domain.Identity // of the rows that are not refused; zero for the others
	users      []domain.UserID   // that have the identities; zero for those that nobody has
	report     domain.ImportReport
}

// check reports what an import of the rows would do, and which rules they break.
func (r *importRun) check(ctx context.Context) error {
	r.identities, r.users = make([]domain.Identity, len(r.Rows)), make([]domain.UserID, len(r.Rows))
	broken := make([][]domain.FieldError, len(r.Rows))
	for i, row := range r.Rows {
		broken[i] = row.Check()
		if !row.Pool.ProjectID.IsZero() && !r.farm.caller.Scope.Has(row.Pool.ProjectID) {
			broken[i] = append(broken[i], domain.FieldError{Pointer: "/project_id", Detail: projectRule})
		}
		if len(broken[i]) == 0 {
			r.identities[i] = row.Identity()
		}
	}
	seen, err := r.farm.store.LookUp(ctx, ports.ImportPlace{Import: r.key, FirstRow: r.FirstRow}, r.identities)
	if err != nil {
		return err
	}
	for i, row := range r.Rows {
		if len(broken[i]) > 0 {
			r.refuse(i, broken[i])
			continue
		}
		if seen[i].User != nil {
			r.users[i] = seen[i].User.ID()
		}
		op, changed, broken := row.Compare(seen[i].User)
		if twin := seen[i].Twin; twin > 0 {
			field := domain.FieldError{Pointer: "/login", Detail: twinRule(twin)}
			r.report.AddErrors(domain.ImportError{Row: r.FirstRow + i, Other: twin, FieldError: field})
		}
		if len(broken) > 0 || seen[i].Twin > 0 {
			r.refuse(i, broken)
			continue
		}
		r.report.Counts.Count(op)
		if len(r.report.Differences) < domain.MostImportErrors {
			difference := domain.ImportDifference{Row: r.FirstRow + i, Op: op, Login: row.Login, Changed: changed}
			r.report.Differences = append(r.report.Differences, difference)
		}
	}
	return nil
}

// refuse leaves out a row.
func (r *importRun) refuse(i int, broken []domain.FieldError) {
	r.report.Counts.Refused++
	r.identities[i] = domain.Identity{}
	for _, field := range broken {
		r.report.AddErrors(domain.ImportError{Row: r.FirstRow + i, FieldError: field})
	}
}

// stage keeps the rows, or only their identities if they are not to be carried out later.
func (r *importRun) stage(ctx context.Context) error {
	later := !r.DryRun && !r.Partial && r.report.ErrorsTotal == 0
	for from := 0; from < len(r.Rows); from += chunkRows {
		to := min(from+chunkRows, len(r.Rows))
		chunk := ports.ImportChunk{
			ImportPlace: ports.ImportPlace{Import: r.key, FirstRow: r.FirstRow + from}, Identities: r.identities[from:to],
		}
		if later {
			chunk.Payload = encodeRows(r.farm.caller, r.Rows[from:to], r.Reason)
		}
		if err := r.farm.store.StageImport(ctx, chunk); err != nil {
			return err
		}
	}
	return nil
}

// importGood imports the rows that are not refused.
func (r *importRun) importGood(ctx context.Context, all bool) (domain.ImportReport, error) {
	report := domain.ImportReport{State: domain.ImportApplied, Errors: r.report.Errors, ErrorsTotal: r.report.ErrorsTotal}
	report.Counts.Refused = r.report.Counts.Refused
	good := importRows{caller: r.farm.caller, key: r.key, reason: r.Reason, all: all}
	for i, identity := range r.identities {
		if identity != (domain.Identity{}) {
			good.rows, good.users = append(good.rows, r.Rows[i]), append(good.users, r.users[i])
			good.numbers = append(good.numbers, r.FirstRow+i)
		}
	}
	err := r.farm.merge(ctx, good, &report)
	return report, err
}

// ExportUsers implements [ports.Imports].
func (f *Farm) ExportUsers(ctx context.Context, q ports.Query) (ports.ExportPage, error) {
	if err := f.checkProject(q.ProjectID); err != nil {
		return ports.ExportPage{}, err
	}
	q.Scope, q.Limit, q.Secrets = f.caller.Scope, limitOf(q.Limit), true
	found, err := f.store.List(ctx, q)
	if err != nil {
		return ports.ExportPage{}, err
	}
	page := ports.ExportPage{Users: make([]domain.Spec, len(found.Users))}
	for i, u := range found.Users {
		page.Users[i] = u.Spec()
	}
	if found.More {
		page.Next = found.Users[len(found.Users)-1].ID()
	}
	return page, nil
}
