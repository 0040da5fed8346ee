package client

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/userfarm/userfarm/adapters/client/internal/api"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

const linesType = "application/x-ndjson"

// ImportUsers implements [ports.Imports]. With the zero id, the client uses a random one, so that a retry imports nothing twice. A
// request has at most 1 MiB and 10,000 rows.
func (c *Client) ImportUsers(ctx context.Context, part domain.ImportPart) (domain.ImportReport, error) {
	of := call{operation: "import users"}
	if part.ID == (domain.ImportID{}) {
		part.ID = NewImportID()
	}
	body, err := encodeRows(part.Rows)
	if err != nil {
		return domain.ImportReport{}, &Error{Operation: of.operation, Reason: err}
	}
	params := api.ImportUsersParams{
		ImportID: new(uuid.UUID(part.ID).String()), FirstRow: given(part.FirstRow), DryRun: given(part.DryRun), Partial: given(part.Partial),
		Reason: given(part.Reason),
	}
	return c.report(ctx, of, func(ctx context.Context) (*http.Response, error) {
		return c.api.ImportUsersWithBody(ctx, &params, linesType, bytes.NewReader(body))
	})
}

// NewImportID returns a random id.
func NewImportID() domain.ImportID { return domain.ImportID(uuid.New()) }

// FinishImport implements [ports.Imports].
func (c *Client) FinishImport(ctx context.Context, id domain.ImportID, rows int) (domain.ImportReport, error) {
	body := api.FinishImport{Rows: int32(max(min(rows, maxSeconds), -maxSeconds))} //nolint:gosec // bounded
	return c.report(ctx, call{operation: "finish import"}, withBody(body, func(
		ctx context.Context, contentType string, body io.Reader,
	) (*http.Response, error) {
		return c.api.FinishImportWithBody(ctx, uuid.UUID(id).String(), contentType, body)
	}))
}

func (c *Client) report(ctx context.Context, of call, send request) (domain.ImportReport, error) {
	answered, err := ask[api.ImportReport](ctx, c, of, send)
	if err != nil {
		return domain.ImportReport{}, err
	}
	return reportOf(answered), nil
}

// ExportUsers implements [ports.Imports]. The farm answers at most 1,000 users on a page, whatever q says.
func (c *Client) ExportUsers(ctx context.Context, q ports.Query) (ports.ExportPage, error) {
	of := call{operation: "export users"}
	labels, err := labelFilter(q.Labels)
	if err != nil {
		return ports.ExportPage{}, &Error{Operation: of.operation, Reason: err}
	}
	params := api.ExportUsersParams{
		ProjectID: givenID(q.ProjectID), Env: given(q.Env), Domain: given(q.Domain), Login: given(q.Login),
		Status: given(api.Status(q.Status)), Label: labels, Owner: given(q.Owner), Limit: limitOf(q.Limit), Cursor: cursorAfter(q.After),
	}
	if q.NewestFirst {
		params.Order = new(api.ExportUsersParamsOrderDesc)
	}
	answered, err := ask[api.ExportPage](ctx, c, of, func(ctx context.Context) (*http.Response, error) {
		return c.api.ExportUsers(ctx, &params)
	})
	if err != nil {
		return ports.ExportPage{}, err
	}
	var v views
	page := ports.ExportPage{Users: make([]domain.Spec, len(answered.Users)), Next: afterCursor[domain.UserID](&v, answered.NextCursor)}
	for i, user := range answered.Users {
		page.Users[i] = v.spec(user)
	}
	return page, v.check(of)
}

// spec returns what a user is created from.
func (v *views) spec(user api.ImportedUser) domain.Spec {
	spec := domain.Spec{
		Login: user.Login, Password: domain.NewSecret(textOf(user.Password)), Pool: v.pool(user.ProjectID, user.Env, user.Domain),
	}
	if user.Labels != nil {
		spec.Labels = domain.Labels(*user.Labels)
	}
	if user.TOTPSecret != nil {
		totp, err := domain.ParseTOTP(*user.TOTPSecret)
		v.bad = v.bad || err != nil
		spec.TOTP = totp
	}
	return spec
}

// encodeRows returns rows as JSON lines. A text that is not UTF-8 is a [domain.InvalidError] about the row.
func encodeRows(rows []domain.ImportRow) ([]byte, error) {
	var lines bytes.Buffer
	for i, row := range rows {
		user := api.ImportedUser{
			Login: row.Login, ProjectID: row.Pool.ProjectID.String(), Env: row.Pool.Env, Domain: row.Pool.Domain, Labels: (*api.Labels)(row.Labels),
		}
		if user.Labels != nil && *user.Labels == nil {
			user.Labels = &api.Labels{}
		}
		if row.Password != nil {
			user.Password = new(row.Password.Reveal())
		}
		if row.TOTP != nil {
			user.TOTPSecret = new(row.TOTP.URI().Reveal())
		}
		line, err := encode(user)
		if err != nil {
			return nil, inRow(i, err)
		}
		lines.Write(line)
		lines.WriteByte('\n')
	}
	return lines.Bytes(), nil
}

// inRow returns an error about a member of a row as one about the body.
func inRow(i int, err error) error {
	invalid, ok := err.(*domain.InvalidError) //nolint:errorlint // of encode, not wrapped
	if !ok {
		return err
	}
	return domain.Invalid("/"+strconv.Itoa(i)+invalid.Fields[0].Pointer, invalid.Fields[0].Detail)
}

func reportOf(answered api.ImportReport) domain.ImportReport {
	report := domain.ImportReport{
		State: domain.ImportState(answered.State), ErrorsTotal: answered.ErrorsTotal,
		Counts: domain.ImportCounts{
			Added: answered.Added, Changed: answered.Changed, Unchanged: answered.Unchanged, Refused: answered.Refused,
		},
	}
	for _, e := range answered.Errors {
		broken := domain.ImportError{Row: e.Row, FieldError: domain.FieldError{Pointer: e.Pointer, Detail: e.Detail}}
		if e.OtherRow != nil {
			broken.Other = *e.OtherRow
		}
		report.Errors = append(report.Errors, broken)
	}
	for _, d := range answered.Differences {
		names := make([]string, len(d.Changed))
		for i, name := range d.Changed {
			names[i] = string(name)
		}
		report.Differences = append(report.Differences, domain.ImportDifference{
			Row: d.Row, Op: domain.ImportOp(d.Op), Login: d.Login, Changed: domain.ParseChangedFields(strings.Join(names, ",")),
		})
	}
	return report
}
