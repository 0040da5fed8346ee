package problem

import (
	"github.com/userfarm/userfarm/adapters/http/internal/api"
	"github.com/userfarm/userfarm/domain"
)

// ImportReport returns a report as answers have it.
func ImportReport(report domain.ImportReport) api.ImportReport {
	answer := api.ImportReport{
		State: api.ImportState(report.State), Added: report.Counts.Added, Changed: report.Counts.Changed,
		Unchanged: report.Counts.Unchanged, Refused: report.Counts.Refused,
		Errors: make([]api.ImportError, len(report.Errors)), ErrorsTotal: report.ErrorsTotal,
		Differences: make([]api.ImportDifference, len(report.Differences)),
	}
	for i, e := range report.Errors {
		answer.Errors[i] = api.ImportError{Row: e.Row, Pointer: e.Pointer, Detail: e.Detail}
		if e.Other > 0 {
			answer.Errors[i].OtherRow = &e.Other
		}
	}
	for i, d := range report.Differences {
		changed := []api.ChangedField{}
		for _, name := range d.Changed.Names() {
			changed = append(changed, api.ChangedField(name))
		}
		answer.Differences[i] = api.ImportDifference{Row: d.Row, Op: api.ImportOp(d.Op), Login: d.Login, Changed: changed}
	}
	return answer
}
