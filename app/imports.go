package app

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

const (
	// batchRows is how many users one transaction of an import writes at most. It bounds how long others wait for it.
	batchRows = 250

	// chunkRows is how many rows are staged together.
	chunkRows = 1000

	// finishFor is how long one call of FinishImport carries out chunks.
	finishFor = 2 * time.Second
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
	report     domain.ImportReport
}

// check reports what an import of the rows would do, and which rules they break.
func (r *importRun) check(ctx context.Context) error {
	r.identities = make([]domain.Identity, len(r.Rows))
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
			good.rows, good.numbers = append(good.rows, r.Rows[i]), append(good.numbers, r.FirstRow+i)
		}
	}
	err := r.farm.merge(ctx, good, &report)
	return report, err
}

// importRows are rows that pass [domain.ImportRow.Check], to be imported.
type importRows struct {
	caller  domain.Caller
	key     domain.ImportKey
	reason  string
	rows    []domain.ImportRow
	numbers []int // of the rows
	all     bool  // import none if one breaks a rule by now; otherwise, leave it out
}

// merge imports rows in short transactions, each once, and adds what became of them to a report.
func (f *Farm) merge(ctx context.Context, rows importRows, report *domain.ImportReport) error {
	for len(rows.rows) > 0 {
		batch := rows
		n := min(batchRows, len(rows.rows))
		batch.rows, rows.rows = rows.rows[:n], rows.rows[n:]
		batch.numbers, rows.numbers = rows.numbers[:n], rows.numbers[n:]
		if err := f.mergeBatch(ctx, batch, report); err != nil {
			return err
		}
	}
	return nil
}

func (f *Farm) mergeBatch(ctx context.Context, batch importRows, report *domain.ImportReport) error {
	var counts domain.ImportCounts
	var errs []domain.ImportError
	merge := ports.Merge{Once: batch.key.Once(batch.numbers[0], batch.rows)}
	for _, row := range batch.rows {
		merge.Identities = append(merge.Identities, row.Identity())
	}
	merge.Decide = func(now time.Time, users []*domain.User) (added []*domain.User, outcome [16]byte, err error) {
		counts, errs = domain.ImportCounts{}, nil
		for i, row := range batch.rows {
			id := domain.NewUserID(now.Add(time.Duration(i) * time.Microsecond)) // in the order of the rows
			user, op, broken := batch.caller.Merge(now, id, row, batch.reason, users[i])
			if len(broken) > 0 {
				counts.Refused++
				for _, field := range broken {
					errs = append(errs, domain.ImportError{Row: batch.numbers[i], FieldError: field})
				}
				continue
			}
			counts.Count(op)
			if user != nil {
				added = append(added, user)
			}
		}
		if batch.all && len(errs) > 0 {
			refused := &domain.ImportRefusedError{Report: domain.ImportReport{State: domain.ImportChecked, Counts: counts}}
			refused.Report.AddErrors(errs...)
			return nil, outcome, refused
		}
		return added, counts.Outcome(), nil
	}
	err := f.store.Merge(ctx, merge)
	if repeated, ok := errors.AsType[*domain.RepeatedError](err); ok {
		counts, errs, err = domain.ImportCountsOf(repeated.Outcome), nil, nil
	}
	if err == nil {
		report.Counts.Add(counts)
		report.AddErrors(errs...)
	}
	return err
}

// FinishImport implements [ports.Imports].
func (f *Farm) FinishImport(ctx context.Context, id domain.ImportID, rows int) (domain.ImportReport, error) {
	key := id.Of(f.caller)
	if err := f.store.DecideImport(ctx, key, rows); err != nil {
		return domain.ImportReport{}, err
	}
	return f.applyImport(ctx, key, time.Now().Add(finishFor))
}

// applyImport carries out chunks of a decided import until there are none, or until a time.
func (f *Farm) applyImport(ctx context.Context, key domain.ImportKey, until time.Time) (domain.ImportReport, error) {
	report := domain.ImportReport{State: domain.ImportApplying}
	for time.Now().Before(until) {
		chunk, done, more, err := f.store.NextChunk(ctx, key)
		report.Counts = done
		if err != nil || !more {
			report.State = domain.ImportApplied
			return report, err
		}
		if err := f.applyChunk(ctx, chunk, &report); err != nil {
			return domain.ImportReport{}, err
		}
	}
	return report, nil
}

// applyChunk carries out a chunk, and notes what became of it.
func (f *Farm) applyChunk(ctx context.Context, chunk ports.ImportChunk, report *domain.ImportReport) error {
	rows, err := decodeRows(chunk.Payload)
	if err != nil {
		return err
	}
	rows.key, rows.numbers = chunk.Import, make([]int, len(rows.rows))
	for i := range rows.rows {
		rows.numbers[i] = chunk.FirstRow + i
	}
	of := domain.ImportReport{}
	if err := f.merge(ctx, rows, &of); err != nil {
		return err
	}
	report.Counts.Add(of.Counts)
	report.AddErrors(of.Errors...)
	return f.store.EndChunk(ctx, chunk.ImportPlace, of.Counts)
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
