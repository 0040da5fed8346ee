package app

import (
	"context"
	"errors"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// importRows are rows that pass [domain.ImportRow.Check], to be imported.
type importRows struct {
	caller  domain.Caller
	key     domain.ImportKey
	reason  string
	rows    []domain.ImportRow
	users   []domain.UserID // that the rows were found to change; zero for those that add one
	numbers []int           // of the rows
	all     bool            // import none if one breaks a rule by now; otherwise, leave it out
}

func (r importRows) identities() []domain.Identity {
	identities := make([]domain.Identity, len(r.rows))
	for i, row := range r.rows {
		identities[i] = row.Identity()
	}
	return identities
}

// merge imports rows in short transactions, each once, and adds what became of them to a report.
func (f *Farm) merge(ctx context.Context, rows importRows, report *domain.ImportReport) error {
	for len(rows.rows) > 0 {
		batch := rows
		n := min(batchRows, len(rows.rows))
		batch.rows, rows.rows = rows.rows[:n], rows.rows[n:]
		batch.users, rows.users = rows.users[:n], rows.users[n:]
		batch.numbers, rows.numbers = rows.numbers[:n], rows.numbers[n:]
		if err := f.mergeBatch(ctx, batch, report); err != nil {
			return err
		}
	}
	return nil
}

// mostOvertaken is how often an import begins a batch anew because others have added or removed its users meanwhile.
const mostOvertaken = 100

// mergeBatch imports rows in one transaction. It begins anew if users were added or removed since the rows were compared with them.
func (f *Farm) mergeBatch(ctx context.Context, batch importRows, report *domain.ImportReport) error {
	for overtaken := 0; ; overtaken++ {
		of := domain.ImportReport{}
		err := f.store.Merge(ctx, batch.merge(&of))
		if repeated, ok := errors.AsType[*domain.RepeatedError](err); ok {
			of, err = domain.ImportReport{Counts: domain.ImportCountsOf(repeated.Outcome)}, nil
		}
		if err == nil {
			report.Add(of)
		}
		if !errors.Is(err, domain.ErrUserExists) && !errors.Is(err, domain.ErrUserNotFound) || overtaken == mostOvertaken {
			return err
		}
		if batch.users, err = f.store.UserIDs(ctx, batch.identities()); err != nil {
			return err
		}
	}
}

// merge says how a store imports the rows of a batch, and reports what becomes of them.
func (r importRows) merge(report *domain.ImportReport) ports.Merge {
	merge := ports.Merge{Once: r.key.Once(r.numbers[0], r.rows)}
	for _, id := range r.users {
		if !id.IsZero() {
			merge.Users = append(merge.Users, id)
		}
	}
	merge.Decide = func(now time.Time, found []*domain.User) (added []*domain.User, outcome [16]byte, err error) {
		*report = domain.ImportReport{State: domain.ImportChecked}
		for i, row := range r.rows {
			var before *domain.User
			if !r.users[i].IsZero() {
				before, found = found[0], found[1:]
			}
			id := domain.NewUserID(now.Add(time.Duration(i) * time.Microsecond)) // in the order of the rows
			user, op, broken := r.caller.Merge(now, id, row, r.reason, before)
			if len(broken) > 0 {
				report.Counts.Refused++
				for _, field := range broken {
					report.AddErrors(domain.ImportError{Row: r.numbers[i], FieldError: field})
				}
				continue
			}
			report.Counts.Count(op)
			if user != nil {
				added = append(added, user)
			}
		}
		if r.all && report.ErrorsTotal > 0 {
			return nil, outcome, &domain.ImportRefusedError{Report: *report}
		}
		return added, report.Counts.Outcome(), nil
	}
	return merge
}
