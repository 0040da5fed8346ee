package dashboard

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"

	"github.com/userfarm/userfarm/adapters/http/internal/entrance"
	"github.com/userfarm/userfarm/adapters/http/problem"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// ReadUsers reads a file of users, whose name tells its format. If the file can't be read to its end, it returns an error that says where
// it goes wrong, and quotes no cell of the file.
type ReadUsers func(name string, file io.Reader) ([]FileRow, error)

// FileRow is a user of a file.
type FileRow struct {
	domain.ImportRow

	Line        int    // on which it begins
	ProjectName string // what the file has in place of the id of a project, which is zero then
}

// finishPause is how long the page waits until it asks again whether an import was carried out, and finishPatience for how long in all.
const (
	finishPause    = 200 * time.Millisecond
	finishPatience = 5 * time.Second
)

// showImport serves GET /ui/import.
func (d *Dashboard) showImport(c *fiber.Ctx) error { return d.renderImport(c, fiber.StatusOK, nil) }

// importError is a rule that a row of a file breaks.
type importError struct {
	Line          int
	Field, Detail string
}

// importRow is what an import would do with a row.
type importRow struct {
	Line    int
	Sign    string
	Op      domain.ImportOp
	Login   string
	Changed []string
}

var importSigns = map[domain.ImportOp]string{domain.ImportAdds: "+", domain.ImportChanges: "~", domain.ImportKeeps: "="}

// checkImport serves POST /ui/import: it shows what an import would do. The farm keeps the rows, encrypted, until it is told to carry them
// out, so that no page has to.
func (d *Dashboard) checkImport(c *fiber.Ctx) error {
	reason := whatFor(c)
	if err := domain.CheckReason(reason); err != nil {
		failed, wrong := whyFailed(err)
		return d.renderImport(c, fiber.StatusUnprocessableEntity, map[string]any{"Failed": failed, "Wrong": wrong})
	}
	header, err := c.FormFile("file")
	if err != nil || d.settings.ReadUsers == nil {
		return d.renderImport(c, fiber.StatusUnprocessableEntity, map[string]any{"Failed": "Choose a file."})
	}
	file, err := header.Open()
	if err != nil {
		return problem.ErrMalformed
	}
	defer func() { _ = file.Close() }()
	read, err := d.settings.ReadUsers(header.Filename, file)
	if err == nil && len(read) == 0 {
		err = errors.New("the file has no users")
	}
	if err != nil {
		return d.renderImport(c, fiber.StatusUnprocessableEntity, map[string]any{"Failed": "The file can't be read: " + err.Error() + "."})
	}
	rows, err := importRows(c.UserContext(), entrance.Of(c).Farm, read)
	if err != nil {
		return err
	}
	var id domain.ImportID
	_, _ = rand.Read(id[:]) // never fails, by its documentation
	part := domain.ImportPart{ID: id, FirstRow: 1, Rows: rows, Reason: reason}
	report, err := entrance.Of(c).Farm.ImportUsers(c.UserContext(), part)
	status := fiber.StatusOK
	if refused, ok := errors.AsType[*domain.ImportRefusedError](err); ok {
		report, err, status = refused.Report, nil, fiber.StatusUnprocessableEntity
	}
	if err != nil {
		return err
	}
	line := func(row int) int {
		if row >= 1 && row <= len(read) {
			return read[row-1].Line
		}
		return row
	}
	data := map[string]any{"Report": report, "File": header.Filename, "ID": uuid.UUID(id).String(), "Rows": len(rows)}
	var wrong []importError
	for _, e := range report.Errors {
		wrong = append(wrong, importError{Line: line(e.Row), Field: strings.ReplaceAll(strings.TrimPrefix(e.Pointer, "/"), "/", " "), Detail: e.Detail})
	}
	var difference []importRow
	for _, row := range report.Differences {
		if row.Op != domain.ImportKeeps {
			difference = append(difference, importRow{
				Line: line(row.Row), Sign: importSigns[row.Op], Op: row.Op, Login: row.Login, Changed: row.Changed.Names(),
			})
		}
	}
	data["Errors"], data["Differences"] = wrong, difference
	return d.renderImport(c, status, data)
}

// importRows returns the rows of a file with the ids of their projects.
func importRows(ctx context.Context, farm ports.Projects, read []FileRow) ([]domain.ImportRow, error) {
	named, err := projectsOf(ctx, farm)
	if err != nil {
		return nil, err
	}
	rows := make([]domain.ImportRow, len(read))
	for i, row := range read {
		rows[i] = row.ImportRow
		if row.ProjectName == "" {
			continue
		}
		if rows[i].Pool.ProjectID, err = named.find(row.ProjectName); err != nil {
			unread := domain.FieldError{Pointer: "/project_id", Detail: "must be the id or the name of a project"}
			rows[i].Unread = append(rows[i].Unread, unread)
		}
	}
	return rows, nil
}

// confirmImport serves POST /ui/import-confirm.
func (d *Dashboard) confirmImport(c *fiber.Ctx) error {
	id, errID := uuid.Parse(c.FormValue("id"))
	rows, errRows := strconv.Atoi(c.FormValue("rows"))
	if errID != nil || errRows != nil {
		return problem.ErrMalformed
	}
	for began := time.Now(); ; {
		report, err := entrance.Of(c).Farm.FinishImport(c.UserContext(), domain.ImportID(id), rows)
		switch {
		case err != nil:
			return err
		case report.State != domain.ImportApplying:
			return c.Redirect(link("users", "done", "import"), fiber.StatusSeeOther)
		case time.Since(began) > finishPatience:
			return c.Redirect(link("users", "done", "import-later"), fiber.StatusSeeOther)
		}
		time.Sleep(finishPause)
	}
}

func (d *Dashboard) renderImport(c *fiber.Ctx, status int, data map[string]any) error {
	if data == nil {
		data = make(map[string]any)
	}
	if data["Wrong"] == nil {
		data["Wrong"] = map[string]string{}
	}
	data["In"] = map[string]string{"reason": whatFor(c)}
	data["Title"], data["CanRead"] = "Import users", d.settings.ReadUsers != nil
	return d.render(c, status, "import", data)
}
