package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/userfarm/userfarm/adapters/client"
	"github.com/userfarm/userfarm/cmd/userfarm/userfile"
	"github.com/userfarm/userfarm/domain"
)

func newImportID() domain.ImportID { return client.NewImportID() }

// importResult is what an import tells: what it does or would do on standard output, and what is wrong on standard error.
type importResult struct {
	file   string
	asJSON bool
	dryRun bool
	bar    *importBar
	out    *bufio.Writer

	counts domain.ImportCounts
	shown  shownImport
}

// shownImport is the result of an import in JSON.
type shownImport struct {
	DryRun      bool              `json:"dry_run"`
	Added       int               `json:"added"`
	Changed     int               `json:"changed"`
	Unchanged   int               `json:"unchanged"`
	Refused     int               `json:"refused"`
	Errors      []shownRowError   `json:"errors"`
	ErrorsTotal int               `json:"errors_total"`
	Differences []shownDifference `json:"differences,omitempty"`
}

type shownRowError struct {
	Line   int    `json:"line"`
	Column int    `json:"column"`
	Name   string `json:"name"`
	Rule   string `json:"rule"`
}

type shownDifference struct {
	Line    int      `json:"line"`
	Op      string   `json:"op"`
	Login   string   `json:"login"`
	Changed []string `json:"changed"`
}

func newImportResult(file string, asJSON, dryRun bool, bar *importBar) *importResult {
	return &importResult{
		file: file, asJSON: asJSON, dryRun: dryRun, bar: bar, out: bufio.NewWriter(os.Stdout),
		shown: shownImport{DryRun: dryRun, Errors: []shownRowError{}},
	}
}

// refuse tells what is wrong with a row that is not sent.
func (r *importResult) refuse(row userfile.Row, broken []domain.FieldError) {
	r.counts.Refused++
	for _, field := range broken {
		r.tell(row.Place(field.Pointer), field.Detail)
	}
}

// add adds the report about a part. at returns a row of the part, and the line of any row.
func (r *importResult) add(report domain.ImportReport, at func(number int) (userfile.Row, int)) {
	r.counts.Add(report.Counts)
	r.refuseLate(report, at)
	if !r.dryRun {
		return
	}
	for _, difference := range report.Differences {
		_, line := at(difference.Row)
		r.tellDifference(line, difference)
	}
}

// refuseLate tells what is wrong with rows that were sent.
func (r *importResult) refuseLate(report domain.ImportReport, at func(number int) (userfile.Row, int)) {
	for _, e := range report.Errors {
		row, line := at(e.Row)
		place, rule := row.Place(e.Pointer), e.Detail
		if place.Line == 0 {
			place.Line, place.Column = line, 1
		}
		if e.Other > 0 {
			_, other := at(e.Other)
			rule = fmt.Sprintf("must not be that of another user; line %d has it, too", other)
		}
		r.tell(place, rule)
	}
	r.shown.ErrorsTotal += report.ErrorsTotal - len(report.Errors)
}

// tell tells an error, unless there were very many.
func (r *importResult) tell(place userfile.Place, rule string) {
	r.shown.ErrorsTotal++
	if len(r.shown.Errors) >= domain.MostImportErrors {
		return
	}
	r.shown.Errors = append(r.shown.Errors, shownRowError{Line: place.Line, Column: place.Column, Name: place.Name, Rule: rule})
	if r.asJSON {
		return
	}
	r.bar.stop()
	fmt.Fprintln(os.Stderr, strings.Join(strings.Fields(fmt.Sprintf("%s:%d:%d: %s %s", r.file, place.Line, place.Column, place.Name, rule)), " "))
}

var importSigns = map[domain.ImportOp]string{domain.ImportAdds: "+", domain.ImportChanges: "~", domain.ImportKeeps: "="}

func (r *importResult) tellDifference(line int, d domain.ImportDifference) {
	if r.asJSON {
		shown := shownDifference{Line: line, Op: importSigns[d.Op], Login: d.Login, Changed: d.Changed.Names()}
		r.shown.Differences = append(r.shown.Differences, shown)
		return
	}
	text := importSigns[d.Op] + " " + d.Login
	if names := d.Changed.Names(); len(names) > 0 {
		text += " (" + strings.Join(names, ", ") + ")"
	}
	_, _ = fmt.Fprintln(r.out, text) // the last write returns the error
}

// end writes the counts. nothing says that nothing was imported.
func (r *importResult) end(nothing bool) error {
	if nothing {
		r.counts = domain.ImportCounts{Refused: r.counts.Refused}
	}
	r.shown.Added, r.shown.Changed, r.shown.Unchanged, r.shown.Refused = r.counts.Added, r.counts.Changed, r.counts.Unchanged, r.counts.Refused
	if r.asJSON {
		if err := writeJSON(r.shown); err != nil {
			return err
		}
	} else {
		_, _ = fmt.Fprintf(r.out, "added %d, changed %d, unchanged %d, refused %d\n", r.counts.Added, r.counts.Changed, r.counts.Unchanged, r.counts.Refused)
		if err := r.out.Flush(); err != nil {
			return err
		}
	}
	return r.failure(nothing)
}

// failure returns the error of an import that has refused users.
func (r *importResult) failure(nothing bool) error {
	if r.counts.Refused == 0 {
		return nil
	}
	text := fmt.Sprintf("%d users break rules, by %d errors", r.counts.Refused, r.shown.ErrorsTotal)
	if hidden := r.shown.ErrorsTotal - len(r.shown.Errors); hidden > 0 {
		text += fmt.Sprintf("; %d of them are not shown", hidden)
	}
	if nothing {
		text += "\nnothing was imported; --partial imports the other users"
	}
	return errors.New(text)
}
