package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/userfarm/userfarm/adapters/client"
	"github.com/userfarm/userfarm/adapters/userfile"
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
	json   *jsontext.Encoder // to out; begun with the first difference

	rows   int // of the file
	counts domain.ImportCounts

	pending     []shownRowError // of rows that are not sent; to be told in the order of the file
	errors      []shownRowError
	errorsTotal int
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
	out := bufio.NewWriter(os.Stdout)
	return &importResult{
		file: file, asJSON: asJSON, dryRun: dryRun, bar: bar, out: out, json: jsontext.NewEncoder(out, jsontext.WithIndent("  ")),
	}
}

// refuse notes what is wrong with a row that is not sent.
func (r *importResult) refuse(row userfile.Row, broken []domain.FieldError) {
	r.counts.Refused++
	for _, field := range broken {
		r.pending = append(r.pending, rowError(row.Place(field.Pointer), field.Detail))
	}
}

// mustSend reports whether the batch is to be sent, so that no more errors wait for it.
func (r *importResult) mustSend() bool { return len(r.pending) >= domain.MostImportErrors }

// add adds the report about a part, and the rows that were refused meanwhile. at returns a row of the part, and the line of any row.
func (r *importResult) add(report domain.ImportReport, at func(number int) (userfile.Row, int)) {
	r.counts.Add(report.Counts)
	r.addErrors(report, at)
	if !r.dryRun {
		return
	}
	for _, difference := range report.Differences {
		_, line := at(difference.Row)
		r.tellDifference(line, difference)
	}
}

// addErrors tells what is wrong with rows, in the order of the file.
func (r *importResult) addErrors(report domain.ImportReport, at func(number int) (userfile.Row, int)) {
	found := r.pending
	r.pending = nil
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
		found = append(found, rowError(place, rule))
	}
	slices.SortStableFunc(found, func(a, b shownRowError) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	for _, e := range found {
		r.tell(e)
	}
	r.errorsTotal += report.ErrorsTotal - len(report.Errors)
}

func rowError(place userfile.Place, rule string) shownRowError {
	return shownRowError{Line: place.Line, Column: place.Column, Name: place.Name, Rule: rule}
}

// tell tells an error, unless there were very many.
func (r *importResult) tell(e shownRowError) {
	r.errorsTotal++
	if len(r.errors) >= domain.MostImportErrors {
		return
	}
	r.errors = append(r.errors, e)
	if !r.asJSON {
		r.bar.log(strings.Join(strings.Fields(fmt.Sprintf("%s:%d:%d: %s %s", r.file, e.Line, e.Column, e.Name, e.Rule)), " "))
	}
}

var importSigns = map[domain.ImportOp]string{domain.ImportAdds: "+", domain.ImportChanges: "~", domain.ImportKeeps: "="}

func (r *importResult) tellDifference(line int, d domain.ImportDifference) {
	if r.asJSON {
		r.beginJSON()
		_ = json.MarshalEncode(r.json, shownDifference{Line: line, Op: importSigns[d.Op], Login: d.Login, Changed: d.Changed.Names()})
		return
	}
	text := importSigns[d.Op] + " " + d.Login
	if names := d.Changed.Names(); len(names) > 0 {
		text += " (" + strings.Join(names, ", ") + ")"
	}
	_, _ = fmt.Fprintln(r.out, text) // the last write returns the error
}

// beginJSON begins the result in JSON with its differences, which are written one by one: there may be very many.
func (r *importResult) beginJSON() {
	if r.json.StackDepth() > 0 {
		return
	}
	for _, token := range []jsontext.Token{jsontext.BeginObject, jsontext.String("differences"), jsontext.BeginArray} {
		_ = r.json.WriteToken(token) // the last write returns the error
	}
}

// endJSON writes the rest of the result in JSON. complete is false if the import did not come to its end.
func (r *importResult) endJSON(complete bool) {
	r.beginJSON()
	_ = r.json.WriteToken(jsontext.EndArray) // as above
	for _, member := range []struct {
		name  string
		value any
	}{
		{"complete", complete}, {"dry_run", r.dryRun}, {"added", r.counts.Added}, {"changed", r.counts.Changed}, {"unchanged", r.counts.Unchanged},
		{"refused", r.counts.Refused}, {"errors", r.errors}, {"errors_total", r.errorsTotal},
	} {
		_ = json.MarshalEncode(r.json, member.name)
		_ = json.MarshalEncode(r.json, member.value)
	}
	_ = r.json.WriteToken(jsontext.EndObject)
}

// abandon tells what is known of an import that did not come to its end. nothing says that nothing was imported.
func (r *importResult) abandon(nothing bool) {
	r.addErrors(domain.ImportReport{}, nil)
	if nothing {
		r.counts = domain.ImportCounts{Refused: r.counts.Refused}
	}
	if r.asJSON {
		r.endJSON(false)
	}
	_ = r.out.Flush() // the import has failed already
}

// end writes the counts. nothing says that nothing was imported.
func (r *importResult) end(nothing bool) error {
	if nothing {
		r.counts = domain.ImportCounts{Refused: r.counts.Refused}
	}
	if r.asJSON {
		r.endJSON(true)
	} else {
		_, _ = fmt.Fprintf(r.out, "added %d, changed %d, unchanged %d, refused %d\n",
			r.counts.Added, r.counts.Changed, r.counts.Unchanged, r.counts.Refused)
	}
	if err := r.out.Flush(); err != nil {
		return err
	}
	if r.rows == 0 {
		source := r.file
		if source == "-" {
			source = "standard input"
		}
		fmt.Fprintf(os.Stderr, "%s has no users\n", source)
	}
	return r.failure(nothing)
}

// failure returns the error of an import that has refused users.
func (r *importResult) failure(nothing bool) error {
	if r.counts.Refused == 0 {
		return nil
	}
	text := "1 user breaks rules"
	if r.counts.Refused > 1 {
		text = fmt.Sprintf("%d users break rules", r.counts.Refused)
	}
	if r.errorsTotal > len(r.errors) {
		text += fmt.Sprintf("; only the first %d of %d errors are shown", len(r.errors), r.errorsTotal)
	}
	if nothing {
		text += "\nnothing was imported; --partial imports the other users"
	}
	return errors.New(text)
}
