package userfile

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/jszwec/csvutil"
)

// record has the columns of a CSV file that are no labels.
type record struct {
	ProjectID string `csv:"project_id,omitempty"`
	Env       string `csv:"env,omitempty"`
	Domain    string `csv:"domain,omitempty"`
	Login     string `csv:"login,omitempty"`
	Password  string `csv:"password,omitempty"`
	TOTP      string `csv:"totp_secret,omitempty"`
	Labels    string `csv:"labels,omitempty"`
}

// texts yields the names of the fields and their texts.
func (r record) texts() iter.Seq2[string, string] {
	return func(yield func(name, text string) bool) {
		for i, text := range []string{r.ProjectID, r.Env, r.Domain, r.Login, r.Password, r.TOTP} {
			if !yield(fields[i], text) {
				return
			}
		}
	}
}

// csvFile reads the records of a CSV file.
type csvFile struct {
	reader  *csv.Reader
	line    int      // of the first line, which sep= may have
	columns []string // by the names of fields; labels with their prefix
	names   []string // as the file has them
	decoder *csvutil.Decoder
	cells   []string // of the record that the decoder reads next
}

// Read implements [csvutil.Reader].
func (f *csvFile) Read() ([]string, error) { return f.cells, nil }

func readCSV(in *bufio.Reader) rows {
	return func(yield func(Row, error) bool) {
		f, err := openCSV(in)
		if err != nil {
			if !errors.Is(err, io.EOF) {
				yield(Row{}, err)
			}
			return
		}
		for {
			cells, err := f.reader.Read()
			if errors.Is(err, io.EOF) {
				return
			}
			if malformed, ok := errors.AsType[*csv.ParseError](err); ok {
				row := newRow(malformed.StartLine+f.line, malformed.Column)
				row.refuse("", "must have quotes around a whole cell, with no blank outside of them, and two for each quote within")
				if !yield(*row, nil) {
					return
				}
				continue
			}
			if err != nil {
				yield(Row{}, err)
				return
			}
			if !slices.ContainsFunc(cells, func(cell string) bool { return strings.TrimSpace(cell) != "" }) {
				continue
			}
			if !yield(f.row(cells), nil) {
				return
			}
		}
	}
}

// openCSV reads the header.
func openCSV(in *bufio.Reader) (*csvFile, error) {
	f := &csvFile{}
	if linesEndWithCR(in) {
		in = bufio.NewReader(crFile{in})
	}
	separator := f.separator(in)
	f.reader = csv.NewReader(in)
	f.reader.Comma, f.reader.FieldsPerRecord, f.reader.ReuseRecord = separator, -1, true
	header, err := f.reader.Read()
	if malformed, ok := errors.AsType[*csv.ParseError](err); ok {
		return nil, badFile(malformed.StartLine+f.line, malformed.Column, "", "the header must have quotes around whole names only")
	}
	if err != nil {
		return nil, err
	}
	f.names = slices.Clone(header)
	for i, name := range f.names {
		line, column := f.reader.FieldPos(i)
		field, err := columnOf(name)
		if err == "" && field != "" && slices.Contains(f.columns, field) {
			err = "is there twice"
		}
		if err != "" {
			return nil, badFile(line+f.line, column, name, "the column %q %s", shortened(name), err)
		}
		f.columns = append(f.columns, field)
	}
	f.decoder, err = csvutil.NewDecoder(f, f.columns...)
	if err != nil {
		return nil, err
	}
	f.decoder.AlignRecord = true
	return f, nil
}

// linesEndWithCR reports whether the lines end as in a file that Excel saves as CSV for Macintosh.
func linesEndWithCR(in *bufio.Reader) bool {
	start, _ := in.Peek(in.Size()) // an error comes again
	first := bytes.IndexAny(start, "\r\n")
	return first >= 0 && start[first] == '\r' && !bytes.HasPrefix(start[first+1:], []byte("\n"))
}

// crFile reads a file whose lines end with CR as if they ended with LF.
type crFile struct{ file io.Reader }

// Read implements [io.Reader].
func (f crFile) Read(p []byte) (int, error) {
	n, err := f.file.Read(p)
	for i, b := range p[:n] {
		if b == '\r' {
			p[i] = '\n'
		}
	}
	return n, err
}

// separator finds out what separates the cells, and passes over a line that tells it to Excel.
func (f *csvFile) separator(in *bufio.Reader) rune {
	start, _ := in.Peek(in.Size()) // an error comes again
	first, _, whole := bytes.Cut(start, []byte("\n"))
	text := strings.TrimRight(string(first), "\r")
	if told, ok := strings.CutPrefix(strings.ToLower(text), "sep="); ok && whole && len(told) == 1 && strings.Contains(",;\t", told) {
		_, _ = in.Discard(len(first) + 1)
		f.line = 1
		return rune(told[0])
	}
	best, most := ',', 0
	for _, separator := range ",;\t" {
		if n := strings.Count(text, string(separator)); n > most {
			best, most = separator, n
		}
	}
	return best
}

// columnOf returns the field of a column, or why there is none. A column without a name is none, and must be empty.
func columnOf(name string) (field, problem string) {
	trimmed := strings.TrimSpace(name)
	if !utf8.ValidString(name) {
		return "", "must be UTF-8: save the file as CSV UTF-8"
	}
	if len(trimmed) >= len(labelPrefix) && strings.EqualFold(trimmed[:len(labelPrefix)], labelPrefix) {
		key := strings.TrimSpace(trimmed[len(labelPrefix):])
		if key == "" {
			return "", "must have the key of a label, as in label:role"
		}
		return labelPrefix + key, ""
	}
	if trimmed == "" || strings.EqualFold(trimmed, labelsName) {
		return strings.ToLower(trimmed), ""
	}
	field, known := fieldOf(trimmed)
	if !known {
		return "", "is not known; columns are " + knownNames() + ", and label:KEY for each label"
	}
	return field, ""
}

// row returns the user of a record.
func (f *csvFile) row(cells []string) Row {
	line, column := f.reader.FieldPos(0)
	row := newRow(line+f.line, column)
	for i, cell := range cells {
		line, column := f.reader.FieldPos(i)
		place := Place{Line: line + f.line, Column: column}
		if i < len(f.names) {
			place.Name = strings.TrimSpace(f.names[i])
		}
		pointer := f.pointer(i)
		if pointer != "" {
			row.put(pointer, place)
		}
		switch {
		case !utf8.ValidString(cell):
			row.refuse(pointer, "must be UTF-8: save the file as CSV UTF-8")
			cells[i] = ""
		case pointer == "" && strings.TrimSpace(cell) != "":
			row.refuse("", "must not have a cell without a column in the header, such as cell %d; a cell with a separator needs quotes", i+1)
		}
	}
	var user record
	f.cells = cells
	if err := f.decoder.Decode(&user); err != nil {
		row.refuse("", "must have a cell for each column")
		return *row
	}
	for name, text := range user.texts() {
		if name != "password" { // blanks around the others come from spreadsheets
			text = strings.TrimSpace(text)
		}
		if text != "" {
			row.set(name, text)
		}
	}
	f.setLabels(row, cells, user.Labels)
	return *row
}

// pointer returns the JSON pointer of a column; empty for a column without a name.
func (f *csvFile) pointer(i int) string {
	if i >= len(f.columns) || f.columns[i] == "" {
		return ""
	}
	if key, ok := strings.CutPrefix(f.columns[i], labelPrefix); ok {
		return "/labels/" + escapePointer.Replace(key)
	}
	return "/" + f.columns[i]
}

// setLabels sets the labels of a file that has columns for them. An empty cell is no label.
func (f *csvFile) setLabels(row *Row, cells []string, object string) {
	if object != "" {
		var labels map[string]string
		if json.Unmarshal([]byte(object), &labels) != nil {
			row.refuse("/labels", `must be a JSON object of texts, as in {"role":"admin"}`)
		}
		row.emptyLabels()
		for key, value := range labels {
			row.setLabel(key, value)
		}
	}
	for i, column := range f.columns {
		key, isLabel := strings.CutPrefix(column, labelPrefix)
		if !isLabel {
			continue
		}
		row.emptyLabels()
		if i < len(cells) && strings.TrimSpace(cells[i]) != "" {
			row.setLabel(key, strings.TrimSpace(cells[i]))
		}
	}
}
