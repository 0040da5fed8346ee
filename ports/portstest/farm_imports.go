package portstest

import (
	"fmt"
	"strings"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

var farmImportTests = []farmTest{
	{"imports users, and changes those that exist", usersAreImported},
	{"imports nothing if a row breaks a rule", badImportIsRefused},
	{"leaves bad rows out of a partial import", importIsPartial},
	{"tells what an import would do", importIsTried},
	{"names both rows of a login that comes twice", importHasTwins},
	{"imports parts together", partsAreImported},
	{"tells what users were imported for", importsHaveReasons},
	{"tells the reason of each part of an import", partsHaveReasons},
	{"imports many rows at once", manyAreImported},
	{"imports the same rows once", importIsRepeated},
	{"exports what can be imported again", exportIsImported},
}

// row returns a row for a new user that differs from all others of the test.
func (g *guest) row(change ...func(*domain.ImportRow)) domain.ImportRow {
	spec := g.spec()
	row := domain.ImportRow{Login: spec.Login, Pool: spec.Pool, Password: &spec.Password}
	for _, c := range change {
		c(&row)
	}
	return row
}

func (g *guest) rows(n int) []domain.ImportRow {
	rows := make([]domain.ImportRow, n)
	for i := range rows {
		rows[i] = g.row()
	}
	return rows
}

func (g *guest) imported(part domain.ImportPart) domain.ImportReport {
	g.Helper()
	report, err := g.Farm.ImportUsers(g.Context(), part)
	g.must(err)
	return report
}

func (g *guest) everyUser() []domain.View {
	g.Helper()
	page, err := g.Farm.Users(g.Context(), ports.Query{Limit: 1000})
	g.must(err)
	return page.Users
}

func usersAreImported(g *guest) {
	old := g.create(withRole("admin"), g.withTOTP("30"))
	g.acquire(g.named(old))
	labels := domain.Labels{"plan": "free"}
	totp := g.spec(g.withTOTP("30")).TOTP
	added := g.row(func(r *domain.ImportRow) { r.Labels, r.TOTP = &labels, &totp })
	kept := g.create()
	same := domain.ImportRow{Login: kept.Login, Pool: kept.Pool}
	changed := domain.ImportRow{Login: strings.ToUpper(old.Login), Pool: old.Pool, Labels: &labels}
	changed.Pool.Domain = ""
	report := g.imported(domain.ImportPart{Rows: []domain.ImportRow{added, changed, same}})
	g.wantEqual("the report", report, domain.ImportReport{
		State: domain.ImportApplied, Counts: domain.ImportCounts{Added: 1, Changed: 1, Unchanged: 1},
	})
	now := g.user(old.ID)
	if now.Login != old.Login || now.Labels["plan"] != "free" || len(now.Labels) != 1 || !now.HasTOTP || now.Lock == nil {
		g.Errorf("the changed user is %+v", now)
	}
	page, err := g.Farm.Users(g.Context(), ports.Query{Login: added.Login})
	g.must(err)
	if len(page.Users) != 1 || page.Users[0].Labels["plan"] != "free" || !page.Users[0].HasTOTP {
		g.Errorf("the new user is %+v", page.Users)
	}
	none := domain.TOTP{}
	changed.TOTP = &none
	g.imported(domain.ImportPart{Rows: []domain.ImportRow{changed}})
	if g.user(old.ID).HasTOTP {
		g.Error("the second factor is still there")
	}
	events, err := g.Farm.Events(g.Context(), ports.EventQuery{Kinds: []domain.EventKind{domain.UserChanged, domain.UserCreated}})
	g.must(err)
	g.wantEqual("the number of events", len(events.Events), 5)
}

func badImportIsRefused(g *guest) {
	old := g.create()
	other := domain.ImportRow{Login: old.Login, Pool: old.Pool}
	other.Pool.Domain = "another"
	fresh := g.row()
	fresh.Password, fresh.Pool.Domain = nil, ""
	rows := []domain.ImportRow{g.row(), {Login: " x"}, other, fresh}
	_, err := g.Farm.ImportUsers(g.Context(), domain.ImportPart{Rows: rows})
	g.wantErr("an import with bad rows", err, domain.ErrInvalid)
	refused := errorAs[*domain.ImportRefusedError](g, "an import with bad rows", err)
	g.wantRows(refused.Report, "2 /env", "2 /login", "2 /project_id", "3 /domain", "4 /domain", "4 /password")
	g.wantEqual("the counts", refused.Report.Counts, domain.ImportCounts{Added: 1, Refused: 3})
	g.wantEqual("the number of users", len(g.everyUser()), 1)
}

// wantRows fails the test unless the errors of a report are about these rows and fields.
func (g *guest) wantRows(report domain.ImportReport, want ...string) {
	g.Helper()
	var got []string
	for _, e := range report.Errors {
		got = append(got, fmt.Sprintf("%d %s", e.Row, e.Pointer))
		if e.Detail == "" {
			g.Errorf("row %d: %s breaks no rule", e.Row, e.Pointer)
		}
	}
	g.wantEqual("the errors", got, want)
	g.wantEqual("the number of errors", report.ErrorsTotal, len(want))
}

func importIsPartial(g *guest) {
	rows := []domain.ImportRow{g.row(), {}, g.row()}
	report := g.imported(domain.ImportPart{Rows: rows, Partial: true})
	g.wantRows(report, "2 /env", "2 /login", "2 /project_id")
	g.wantEqual("the counts", report.Counts, domain.ImportCounts{Added: 2, Refused: 1})
	g.wantEqual("the number of users", len(g.everyUser()), 2)
}

func importIsTried(g *guest) {
	old := g.create()
	password := domain.NewSecret(passwordOf + "another")
	rows := []domain.ImportRow{g.row(), {Login: old.Login, Pool: old.Pool, Password: &password}, {Login: old.Login, Pool: old.Pool}, {}}
	rows[2].Pool.Env = "nowhere"
	report := g.imported(domain.ImportPart{Rows: rows, DryRun: true})
	g.wantRows(report, "3 /password", "4 /env", "4 /login", "4 /project_id")
	g.wantEqual("the state", report.State, domain.ImportChecked)
	g.wantEqual("the differences", report.Differences, []domain.ImportDifference{
		{Row: 1, Op: domain.ImportAdds, Login: rows[0].Login},
		{Row: 2, Op: domain.ImportChanges, Login: old.Login, Changed: domain.ChangedFields{Password: true}},
	})
	g.wantEqual("the number of users", len(g.everyUser()), 1)
}

func importHasTwins(g *guest) {
	one := g.row()
	loud := one
	loud.Login = strings.ToUpper(one.Login)
	report := g.imported(domain.ImportPart{Rows: []domain.ImportRow{one, g.row(), loud}, DryRun: true})
	g.wantRows(report, "3 /login")
	if !strings.Contains(report.Errors[0].Detail, "row 1") {
		g.Errorf("the error does not name the first row: %s", report.Errors[0].Detail)
	}
	id := domain.ImportID{1}
	g.imported(domain.ImportPart{ID: id, FirstRow: 1, Rows: []domain.ImportRow{one}})
	g.wantRows(g.imported(domain.ImportPart{ID: id, FirstRow: 2, Rows: []domain.ImportRow{g.row(), loud}}), "3 /login")
	for rows := 1; rows <= 3; rows++ {
		_, err := g.Farm.FinishImport(g.Context(), id, rows)
		g.wantErr("an import with a bad part", err, domain.ErrImportIncomplete)
	}
	g.wantEqual("the number of users", len(g.everyUser()), 0)
}

func partsAreImported(g *guest) {
	id, rows := domain.ImportID{2}, g.rows(5)
	_, err := g.Farm.FinishImport(g.Context(), id, 5)
	g.wantErr("an unknown import", err, domain.ErrImportNotFound)
	for _, from := range []int{0, 2, 2} {
		to := min(from+3-from/2, 5)
		if from == 0 {
			to = 2
		}
		report := g.imported(domain.ImportPart{ID: id, FirstRow: from + 1, Rows: rows[from:to]})
		g.wantEqual("the state of a part", report.State, domain.ImportChecked)
	}
	g.wantEqual("the number of users before the end", len(g.everyUser()), 0)
	_, err = g.Farm.FinishImport(g.Context(), id, 5)
	g.wantErr("an import with missing rows", err, domain.ErrImportIncomplete)
	g.imported(domain.ImportPart{ID: id, FirstRow: 5, Rows: rows[4:]})
	for range 2 { // the answer may get lost
		report, err := g.Farm.FinishImport(g.Context(), id, 5)
		g.must(err)
		g.wantEqual("the report", report, domain.ImportReport{State: domain.ImportApplied, Counts: domain.ImportCounts{Added: 5}})
	}
	g.wantEqual("the number of users", len(g.everyUser()), 5)
	_, err = g.Farm.ImportUsers(g.Context(), domain.ImportPart{ID: id, FirstRow: 1, Rows: g.rows(2)})
	g.wantErr("other rows at the same place", err, domain.ErrIdempotencyMismatch)
}

func importsHaveReasons(g *guest) {
	const reason = "for the load & test"
	old, same := g.create(), g.create()
	labels := domain.Labels{"role": "admin"}
	rows := []domain.ImportRow{g.row(), {Login: old.Login, Pool: old.Pool, Labels: &labels}, {Login: same.Login, Pool: same.Pool}}
	g.imported(domain.ImportPart{Rows: rows, Reason: reason, DryRun: true})
	part := domain.ImportPart{ID: domain.ImportID{6}, Rows: rows, Reason: reason}
	g.imported(part)
	part.Reason = "repeated"
	g.imported(part)
	g.imported(domain.ImportPart{Rows: g.rows(1), Partial: true, Reason: reason})
	g.imported(domain.ImportPart{Rows: g.rows(1)})
	g.wantReasons(ports.EventQuery{}, "created: ", "created: ", "changed: "+reason, "created: "+reason, "created: "+reason, "created: ")
}

func partsHaveReasons(g *guest) {
	id, rows := domain.ImportID{5}, g.rows(3)
	g.imported(domain.ImportPart{ID: id, FirstRow: 1, Rows: rows[:1], Reason: "one"})
	g.imported(domain.ImportPart{ID: id, FirstRow: 1, Rows: rows[:1], Reason: "one, repeated"})
	g.imported(domain.ImportPart{ID: id, FirstRow: 2, Rows: rows[1:2], Reason: strings.Repeat("\U0001f642", 1024)})
	g.imported(domain.ImportPart{ID: id, FirstRow: 3, Rows: rows[2:]})
	g.wantReasons(ports.EventQuery{})
	for range 2 { // the answer may get lost
		_, err := g.Farm.FinishImport(g.Context(), id, 3)
		g.must(err)
	}
	g.wantReasons(ports.EventQuery{}, "created: one", "created: "+strings.Repeat("\U0001f642", 1024), "created: ")
	page, err := g.Farm.ExportUsers(g.Context(), ports.Query{})
	g.must(err)
	for _, spec := range page.Users {
		if spec.Reason != "" {
			g.Errorf("an export has the reason %q", spec.Reason)
		}
	}
}

func manyAreImported(g *guest) {
	const most = 300 // more than one transaction writes
	report := g.imported(domain.ImportPart{Rows: g.rows(most)})
	g.wantEqual("the report", report, domain.ImportReport{State: domain.ImportApplied, Counts: domain.ImportCounts{Added: most}})
	g.wantEqual("the number of users", len(g.everyUser()), most)
	rows := append(g.rows(most), domain.ImportRow{Login: "x"})
	_, err := g.Farm.ImportUsers(g.Context(), domain.ImportPart{Rows: rows})
	g.wantErr("many rows with a bad one", err, domain.ErrInvalid)
	report = g.imported(domain.ImportPart{Rows: rows, Partial: true})
	g.wantEqual("the counts of a partial import", report.Counts, domain.ImportCounts{Added: most, Refused: 1})
	g.wantEqual("the number of all users", len(g.everyUser()), 2*most)
}

func importIsRepeated(g *guest) {
	for n, part := range []domain.ImportPart{{ID: domain.ImportID{3}}, {ID: domain.ImportID{4}, Partial: true}} {
		part.Rows = g.rows(2)
		first, again := g.imported(part), g.imported(part)
		g.wantEqual("the report", again, first)
		g.wantEqual("the number of users", len(g.everyUser()), 2*n+2)
	}
}

func exportIsImported(g *guest) {
	for range 3 {
		g.create(withLabels(domain.Labels{"role": "admin", "empty": ""}), g.withTOTP("30"))
	}
	g.create()
	page, err := g.Farm.ExportUsers(g.Context(), ports.Query{Limit: 3, Labels: domain.Labels{"role": "admin"}})
	g.must(err)
	g.wantEqual("the page after the last one", page.Next, domain.UserID{})
	var rows []domain.ImportRow
	for _, spec := range page.Users {
		labels := spec.Labels
		rows = append(rows, domain.ImportRow{Login: spec.Login, Pool: spec.Pool, Password: &spec.Password, Labels: &labels, TOTP: &spec.TOTP})
	}
	g.wantEqual("what an import changes", g.imported(domain.ImportPart{Rows: rows}).Counts, domain.ImportCounts{Unchanged: 3})
	for _, user := range g.everyUser() {
		g.must(g.Farm.RemoveUser(g.Context(), user.ID, ""))
	}
	g.wantEqual("what an import adds", g.imported(domain.ImportPart{Rows: rows}).Counts, domain.ImportCounts{Added: 3})
	again, err := g.Farm.ExportUsers(g.Context(), ports.Query{Limit: 2})
	g.must(err)
	g.wantEqual("the users of the next export", again.Users, page.Users[:2])
	if again.Next.IsZero() {
		g.Error("there is no next page")
	}
}
