package dashboard

import (
	"crypto/rand"
	"errors"
	"io"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"

	"github.com/userfarm/userfarm/adapters/http/internal/entrance"
	"github.com/userfarm/userfarm/adapters/http/problem"
	"github.com/userfarm/userfarm/domain"
)

// ReadUsers reads a file of users, whose name tells its format. at says on which line each row begins. If the file can't be read to its end, it returns an
// error that says where it goes wrong, and quotes nothing of the file.
type ReadUsers func(name string, file io.Reader) (rows []domain.ImportRow, at []int, err error)

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
	header, err := c.FormFile("file")
	if err != nil || d.settings.ReadUsers == nil {
		return d.renderImport(c, fiber.StatusUnprocessableEntity, map[string]any{"Failed": "Choose a file."})
	}
	file, err := header.Open()
	if err != nil {
		return problem.ErrMalformed
	}
	defer func() { _ = file.Close() }()
	rows, at, err := d.settings.ReadUsers(header.Filename, file)
	if err == nil && len(rows) == 0 {
		err = errors.New("the file has no users")
	}
	if err != nil {
		return d.renderImport(c, fiber.StatusUnprocessableEntity, map[string]any{"Failed": "The file can't be read: " + err.Error() + "."})
	}
	var id domain.ImportID
	_, _ = rand.Read(id[:]) // never fails, by its documentation
	part := domain.ImportPart{ID: id, FirstRow: 1, Rows: rows}
	report, err := entrance.Of(c).Farm.ImportUsers(c.UserContext(), part)
	status := fiber.StatusOK
	if refused, ok := errors.AsType[*domain.ImportRefusedError](err); ok {
		report, err, status = refused.Report, nil, fiber.StatusUnprocessableEntity
	}
	if err != nil {
		return err
	}
	line := func(row int) int {
		if row >= 1 && row <= len(at) {
			return at[row-1]
		}
		return row
	}
	data := map[string]any{"Report": report, "File": header.Filename, "ID": uuid.UUID(id).String(), "Rows": len(rows)}
	var wrong []importError
	for _, e := range report.Errors {
		wrong = append(wrong, importError{Line: line(e.Row), Field: e.Pointer, Detail: e.Detail})
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
	data["Title"], data["CanRead"] = "Import users", d.settings.ReadUsers != nil
	return d.render(c, status, "import", data)
}
