package http

import (
	"errors"
	"strconv"

	"github.com/gofiber/fiber/v2"

	"github.com/userfarm/userfarm/adapters/http/internal/api"
	"github.com/userfarm/userfarm/adapters/http/internal/entrance"
	"github.com/userfarm/userfarm/adapters/http/internal/read"
	"github.com/userfarm/userfarm/adapters/http/problem"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// importRoutes add, change and export many users.
type importRoutes struct{}

// ImportUsers serves POST /v1/users/import.
func (importRoutes) ImportUsers(c *fiber.Ctx) error {
	var part domain.ImportPart
	err := importParameters.Read(read.RawQuery(c), &part)
	if err == nil && part.FirstRow > 0 && part.ID == (domain.ImportID{}) {
		err = domain.Invalid("/import_id", "is required with first_row")
	}
	lines, errLines := read.Lines(c)
	if err := read.Join(err, errLines); err != nil {
		return err
	}
	for line := range lines {
		part.Rows = append(part.Rows, readRow(line))
	}
	report, err := entrance.Of(c).Farm.ImportUsers(c.UserContext(), part)
	if errors.Is(err, domain.ErrIdempotencyMismatch) {
		err = problem.Explain(err, "The import_id was used with other rows at this place. Use a new one for every import, and the same one only to repeat a part of it.")
	}
	return answerReport(c, report, err)
}

// FinishImport serves POST /v1/users/import/{import_id}/finish.
func (importRoutes) FinishImport(c *fiber.Ctx, importID api.ImportID) error {
	id, errID := parseImportID(importID)
	var req api.FinishImport
	if err := read.Join(errID, read.Body(c, &req)); err != nil {
		return err
	}
	report, err := entrance.Of(c).Farm.FinishImport(c.UserContext(), id, int(req.Rows))
	return answerReport(c, report, err)
}

// ExportUsers serves POST /v1/users/export.
func (importRoutes) ExportUsers(c *fiber.Ctx) error {
	query := ports.Query{Limit: read.DefaultLimit}
	if err := userParameters.Read(read.RawQuery(c), &query); err != nil {
		return err
	}
	page, err := entrance.Of(c).Farm.ExportUsers(c.UserContext(), query)
	if err != nil {
		return err
	}
	users := make([]api.ImportedUser, len(page.Users))
	for i, user := range page.Users {
		users[i] = viewExported(user)
	}
	return c.JSON(api.ExportPage{Users: users, NextCursor: read.FormatCursor(page.Next)})
}

// importParameters are the query of POST /v1/users/import.
var importParameters = read.Parameters[domain.ImportPart]{
	"dry_run":   flagParameter(func(p *domain.ImportPart) *bool { return &p.DryRun }),
	"partial":   flagParameter(func(p *domain.ImportPart) *bool { return &p.Partial }),
	"import_id": read.Parsed(func(p *domain.ImportPart) *domain.ImportID { return &p.ID }, read.ID[domain.ImportID], domain.IDRule),
	"first_row": read.Parsed(func(p *domain.ImportPart) *int { return &p.FirstRow }, func(text string) (int, bool) {
		row, err := strconv.ParseInt(text, 10, 32)
		return int(row), err == nil && row >= 1
	}, "must be an integer from 1"),
	"reason": reasonParameter(func(p *domain.ImportPart) *string { return &p.Reason }),
}

func flagParameter(field func(*domain.ImportPart) *bool) read.Parameter[domain.ImportPart] {
	return read.Parsed(field, func(text string) (bool, bool) { return text == "true", text == "true" || text == "false" }, "must be true or false")
}

func parseImportID(text string) (domain.ImportID, error) {
	id, ok := read.ID[domain.ImportID](text)
	if !ok {
		return id, domain.Invalid("/import_id", domain.IDRule)
	}
	return id, nil
}

// readRow reads a line of an import. What can't be read of it is noted in the row.
func readRow(line []byte) domain.ImportRow {
	var user api.ImportedUser
	row := domain.ImportRow{Unread: read.Line(line, &user)}
	row.Login, row.Pool.Env, row.Pool.Domain = user.Login, user.Env, user.Domain
	row.Pool.ProjectID, _ = read.ID[domain.ProjectID](user.ProjectID) // noted if it can't be read
	row.Labels = (*domain.Labels)(user.Labels)
	if user.Password != nil {
		row.Password = new(domain.NewSecret(*user.Password))
	}
	if user.TOTPSecret == nil {
		return row
	}
	totp, err := readTOTP(user.TOTPSecret)
	if err != nil {
		row.Unread = append(row.Unread, fieldsOf(err)...)
	}
	row.TOTP = &totp
	return row
}

func answerReport(c *fiber.Ctx, report domain.ImportReport, err error) error {
	if err != nil {
		return err
	}
	return c.JSON(problem.ImportReport(report))
}

// viewExported returns a user with its secrets.
func viewExported(spec domain.Spec) api.ImportedUser {
	user := api.ImportedUser{
		Login: spec.Login, ProjectID: spec.Pool.ProjectID.String(), Env: spec.Pool.Env, Domain: spec.Pool.Domain,
		Password: new(spec.Password.Reveal()), Labels: new(api.Labels(spec.Labels)),
	}
	if !spec.TOTP.IsZero() {
		user.TOTPSecret = new(spec.TOTP.URI().Reveal())
	}
	return user
}

// fieldsOf returns the fields of an error that is about some.
func fieldsOf(err error) []domain.FieldError {
	if invalid, ok := errors.AsType[*domain.InvalidError](err); ok {
		return invalid.Fields
	}
	return nil
}
