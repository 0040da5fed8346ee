package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"sync"

	"github.com/userfarm/userfarm/adapters/userfile"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

type importCommand struct {
	farmFlags `embed:""`

	File    string      `arg:"" help:"File with the users; - is standard input."`
	Format  string      `help:"Format of the file: csv, jsonl (a JSON object on each line) or yaml. By default, the name of the file tells it." enum:"csv,jsonl,yaml," default:"" placeholder:"FORMAT"`
	Project projectName `help:"Project of the users for which the file names none: its name or its id." placeholder:"PROJECT"`
	Partial bool        `help:"Import the good users even if others break rules. Otherwise, all users are imported or none."`
	DryRun  bool        `help:"Change nothing, and show what an import would do: + adds, ~ changes, = leaves as it is."`
	Reason  string      `help:"Why the users are added or changed, for people." placeholder:"REASON"`
	JSON    bool        `help:"Write the result as JSON."`
}

// Help has the examples.
func (*importCommand) Help() string {
	return `A user of the file that the farm has, by project, environment and login, is changed: what the file does not have, or leaves empty, stays
as it is. Other users are added, and need a password and a domain. Nobody is removed.

Columns of a CSV file: project_id, env, domain, login, password, totp_secret, and label:KEY for each label. A file with columns for labels
replaces all labels; an empty cell is no label. A project may be given by its id or its name.

An export in YAML has several documents. Each is in memory as a whole, so a list of 100,000 users needs about 600 MB; other files need little.

Examples:

  userfarm import users.csv --dry-run
  userfarm import users.csv --project Shop --reason "users for the load test"
  userfarm export --url http://old:8000 --with-passwords --format jsonl | userfarm import - --format jsonl`
}

// Run imports the file.
func (i *importCommand) Run(ctx context.Context) error {
	format, err := i.format()
	if err != nil {
		return &exitError{code: 2, err: err}
	}
	project, err := i.Project.find(ctx, i.farm)
	if err != nil {
		return i.advise(err)
	}
	in, size, err := openInput(i.File)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	bar := new(importBar)
	if !i.DryRun || widthOf(os.Stdout) == 0 { // a bar would overwrite the differences
		bar = newImportBar(size)
	}
	defer bar.stop()
	if bar.writer != nil {
		i.silence.tellBy(bar.writer.Log)
	}
	run := &importing{
		importCommand: i, project: project, bar: bar, result: newImportResult(i.File, i.JSON, i.DryRun, bar), id: newImportID(),
	}
	run.named = sync.OnceValues(func() ([]domain.Project, error) { return i.farm.ProjectNames(ctx) })
	if err := run.read(ctx, ahead(ctx, userfile.Read(bar.reading(in), format))); err != nil {
		run.result.abandon(!i.Partial && !i.DryRun)
		return err
	}
	bar.stop()
	return run.result.end(run.failed && !i.Partial && !i.DryRun)
}

func (i *importCommand) format() (userfile.Format, error) {
	switch {
	case i.Format != "":
		return userfile.Format(i.Format), nil
	case i.File == "-":
		return "", errors.New("standard input has no name that tells its format: say --format csv, jsonl or yaml")
	}
	format, err := userfile.FormatOf(i.File)
	if err != nil {
		return "", fmt.Errorf("%w: say --format csv, jsonl or yaml", err)
	}
	return format, nil
}

// openInput opens a file or standard input. size is 0 if it is not known.
func openInput(name string) (in io.ReadCloser, size int64, err error) {
	if name == "-" {
		return io.NopCloser(os.Stdin), 0, nil
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, 0, err
	}
	info, err := file.Stat()
	if err == nil && info.Mode().IsRegular() {
		size = info.Size()
	}
	return file, size, err
}

// A part of an import is far smaller than the farm allows. Differences of a part are complete.
const (
	partRows  = domain.MostImportErrors
	partBytes = 384 << 10 // JSON has at most two bytes for each one of a text
)

// importing is an import that is under way.
type importing struct {
	*importCommand

	project domain.ProjectID // of the users for which the file names none
	named   func() ([]domain.Project, error)

	bar    *importBar
	result *importResult
	id     domain.ImportID
	batch  []userfile.Row // to be sent next
	bytes  int            // of batch, about
	sent   int            // rows
	lines  []int32        // of the rows that were sent, and of the batch
	failed bool           // a row breaks a rule
}

// read sends the users of a file in parts.
func (i *importing) read(ctx context.Context, users iter.Seq2[userfile.Row, error]) error {
	var failure error
	users(func(row userfile.Row, err error) bool {
		switch {
		case ctx.Err() != nil:
			failure = i.stopped(ctx, ctx.Err(), false)
			return false
		case err != nil:
			failure = i.unreadable(err)
			return false
		}
		failure = i.take(ctx, row)
		return failure == nil
	})
	if failure != nil {
		return failure
	}
	return i.last(ctx)
}

// ahead yields what rows yields, and reads the next part of the file while the farm works on one. The end of ctx ends it with an error,
// also while the file has nothing to read, as a terminal or a pipe.
func ahead(ctx context.Context, rows iter.Seq2[userfile.Row, error]) iter.Seq2[userfile.Row, error] {
	type result struct {
		row userfile.Row
		err error
	}
	return func(yield func(userfile.Row, error) bool) {
		parts, left := make(chan []result), make(chan struct{})
		defer close(left)
		go func() {
			defer close(parts)
			var part []result
			bytes := 0
			hand := func() bool {
				select {
				case parts <- part:
					part, bytes = nil, 0
					return true
				case <-left:
					return false
				}
			}
			for row, err := range rows {
				part, bytes = append(part, result{row, err}), bytes+sizeOf(row.User)
				if (len(part) == partRows || bytes > partBytes) && !hand() {
					return
				}
			}
			hand()
		}()
		for {
			select {
			case part, more := <-parts:
				for _, r := range part {
					if !yield(r.row, r.err) {
						return
					}
				}
				if !more {
					return
				}
			case <-ctx.Done():
				yield(userfile.Row{}, ctx.Err())
				return
			}
		}
	}
}

// unreadable returns the error of a file that can't be read to its end.
func (i *importing) unreadable(err error) error {
	i.bar.fail()
	text := "nothing was imported"
	switch {
	case i.DryRun:
		text = "nothing was changed"
	case i.Partial && i.sent > 0:
		text = "the users before this place may have been imported"
	}
	if bad, ok := errors.AsType[*userfile.FormatError](err); ok {
		return fmt.Errorf("%s:%d:%d: %s\n%s", i.File, bad.Place.Line, max(bad.Place.Column, 1), bad.Rule, text)
	}
	return fmt.Errorf("%s: %w\n%s", i.File, err, text)
}

// take adds a row to the batch, or refuses it.
func (i *importing) take(ctx context.Context, row userfile.Row) error {
	i.result.rows++
	if err := i.findProject(&row); err != nil {
		return i.stopped(ctx, err, false)
	}
	size := sizeOf(row.User)
	if len(row.User.Unread) > 0 || size > partBytes { // a row that large breaks a rule
		if broken := row.User.Check(); len(broken) > 0 {
			i.failed = true
			if i.result.refuse(row, broken); i.result.mustSend() {
				return i.send(ctx, false)
			}
			return nil
		}
	}
	if len(i.batch) == partRows || len(i.batch) > 0 && i.bytes+size > partBytes {
		if err := i.send(ctx, false); err != nil {
			return err
		}
	}
	i.batch, i.bytes, i.lines = append(i.batch, row), i.bytes+size, append(i.lines, int32(row.Line)) //nolint:gosec // of a file
	return nil
}

// findProject sets the project of a row for which the file has none, or a name.
func (i *importing) findProject(row *userfile.Row) error {
	switch {
	case row.ProjectName != "":
		named, err := i.named()
		if err != nil {
			return err
		}
		row.User.Pool.ProjectID, err = projectName{name: row.ProjectName}.in(named)
		if unknown, ok := errors.AsType[*unknownProjectError](err); ok {
			rule := "must be the id or the name of a project" + unknown.hint()
			row.User.Unread = append(row.User.Unread, domain.FieldError{Pointer: "/project_id", Detail: rule})
		}
	case !row.Has("/project_id"):
		row.User.Pool.ProjectID = i.project
		unread := slices.ContainsFunc(row.User.Unread, func(f domain.FieldError) bool { return f.Pointer == "" })
		if i.project.IsZero() && !unread {
			row.User.Unread = append(row.User.Unread, domain.FieldError{Pointer: "/project_id", Detail: "is missing: give it here or with --project"})
		}
	}
	return nil
}

// sizeOf returns how many bytes a row has, at most, without what JSON adds to its texts.
func sizeOf(row domain.ImportRow) int {
	size := 256 + len(row.Login) + len(row.Pool.Env) + len(row.Pool.Domain)
	if row.Password != nil {
		size += len(row.Password.Reveal())
	}
	if row.TOTP != nil {
		size += len(row.TOTP.URI().Reveal())
	}
	if row.Labels != nil {
		for key, value := range *row.Labels {
			size += len(key) + len(value) + 8
		}
	}
	return size
}

// last sends the last batch, and lets the farm carry out the import unless it did already.
func (i *importing) last(ctx context.Context) error {
	whole := i.sent == 0 && (!i.failed || i.Partial)
	if err := i.send(ctx, whole); err != nil {
		return err
	}
	if whole || i.Partial || i.DryRun || i.failed {
		return nil
	}
	return i.finish(ctx)
}

// send sends the batch, which may be the whole import. After a bad row, the farm only checks the others.
func (i *importing) send(ctx context.Context, whole bool) error {
	if len(i.batch) == 0 {
		i.result.add(domain.ImportReport{}, i.at)
		return nil
	}
	part := domain.ImportPart{
		ID: i.id, FirstRow: i.sent + 1, DryRun: i.DryRun || i.failed && !i.Partial, Partial: i.Partial, Reason: i.Reason,
	}
	if whole {
		part.FirstRow = 0
	}
	for _, row := range i.batch {
		part.Rows = append(part.Rows, row.User)
	}
	report, err := i.farm.ImportUsers(ctx, part)
	refused, isRefused := errors.AsType[*domain.ImportRefusedError](err)
	if isRefused {
		report, err = refused.Report, nil
	}
	if err != nil {
		return i.stopped(ctx, err, whole || i.Partial)
	}
	i.failed = i.failed || report.ErrorsTotal > 0
	i.result.add(report, i.at)
	i.sent += len(i.batch)
	i.batch, i.bytes = i.batch[:0], 0
	return nil
}

// stopped returns the error of an import that did not come to its end, and what became of the users. asked says that the farm was asked
// to carry it out.
func (i *importing) stopped(ctx context.Context, err error, asked bool) error {
	i.bar.fail()
	unknown := asked && (ctx.Err() != nil || errors.Is(err, ports.ErrUnavailable))
	text := "nothing was imported"
	switch {
	case i.DryRun:
		text = "nothing was changed"
	case i.Partial && (i.sent > 0 || unknown):
		text = "some of the users may have been imported: run the command again"
	case unknown:
		text = "the farm may carry it out all the same: run the command again to be sure"
	}
	reason := i.advise(err)
	if ctx.Err() != nil {
		reason = errors.New("interrupted")
	}
	return fmt.Errorf("%w\n%s", reason, text)
}

// at returns a row of the batch by its number in the import.
func (i *importing) at(number int) (row userfile.Row, line int) {
	if n := number - 1 - i.sent; n >= 0 && n < len(i.batch) {
		row = i.batch[n]
	}
	if number >= 1 && number <= len(i.lines) {
		line = int(i.lines[number-1])
	}
	return row, line
}

// finish lets the farm carry out what it has checked.
func (i *importing) finish(ctx context.Context) error {
	if i.sent == 0 {
		return nil
	}
	i.bar.begin("importing", int64(i.sent))
	for {
		report, err := i.farm.FinishImport(ctx, i.id, i.sent)
		if err != nil {
			return i.stopped(ctx, err, true)
		}
		i.bar.set(int64(report.Counts.Rows()))
		i.result.addErrors(report, i.at)
		if report.State == domain.ImportApplied {
			i.result.counts = report.Counts
			return nil
		}
	}
}
