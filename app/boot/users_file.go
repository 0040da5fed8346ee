package boot

import (
	"io"

	"github.com/userfarm/userfarm/adapters/http/dashboard"
	"github.com/userfarm/userfarm/adapters/userfile"
)

// readUsers reads a file of users that somebody imports on the page.
func readUsers(name string, file io.Reader) (rows []dashboard.FileRow, err error) {
	format, err := userfile.FormatOf(name)
	if err != nil {
		return nil, err
	}
	for row, err := range userfile.Read(file, format) {
		if err != nil {
			return nil, err
		}
		rows = append(rows, dashboard.FileRow{ImportRow: row.User, Line: row.Line, ProjectName: row.ProjectName})
	}
	return rows, nil
}
