package main

import (
	"io"
	"os"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// columnGap separates columns.
const columnGap = "  "

// writeTable writes rows with aligned columns. The first row has the headings. Lines that are longer than a terminal is wide are cut
// off, so the columns that matter most come first. A file or a pipe gets whole lines.
func writeTable(w io.Writer, rows [][]string) error {
	t := table.NewWriter()
	style := table.StyleDefault
	style.Options = table.OptionsNoBordersAndSeparators
	style.Box.PaddingLeft, style.Box.PaddingRight = "", columnGap
	style.Box.UnfinishedRow = "…"
	style.Format.Header = text.FormatDefault
	if file, ok := w.(*os.File); ok {
		style.Size.WidthMax = widthOf(file)
	}
	t.SetStyle(style)
	t.SuppressTrailingSpaces()
	for i, row := range rows {
		cells := make(table.Row, len(row))
		for j, cell := range row {
			cells[j] = cell
		}
		if i == 0 {
			t.AppendHeader(cells)
		} else {
			t.AppendRow(cells)
		}
	}
	_, err := io.WriteString(w, t.Render()+"\n")
	return err
}
