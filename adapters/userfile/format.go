package userfile

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
)

// Format is the format of a file.
type Format string

// The formats.
const (
	CSV   Format = "csv"
	JSONL Format = "jsonl" // JSON lines
	YAML  Format = "yaml"
)

var extensions = map[string]Format{
	".csv": CSV, ".tsv": CSV, ".txt": CSV, ".jsonl": JSONL, ".ndjson": JSONL, ".json": JSONL, ".yaml": YAML, ".yml": YAML,
}

// FormatOf returns the format that the name of a file tells.
func FormatOf(file string) (Format, error) {
	if format, ok := extensions[strings.ToLower(filepath.Ext(file))]; ok {
		return format, nil
	}
	return "", errors.New("the name of the file does not tell its format, as .csv, .jsonl or .yaml do")
}

// FormatError is about a file that can't be read any further.
type FormatError struct {
	Place Place
	Rule  string
}

// Error names the place and the rule.
func (e *FormatError) Error() string { return fmt.Sprintf("line %d: %s", e.Place.Line, e.Rule) }

func badFile(line, column int, name, format string, args ...any) error {
	return &FormatError{Place: Place{Line: line, Column: column, Name: name}, Rule: fmt.Sprintf(format, args...)}
}

const byteOrderMark = "\xef\xbb\xbf"

// Read yields the users of a file. An error ends it: a [FormatError], or that of the reader.
func Read(r io.Reader, format Format) rows {
	return func(yield func(Row, error) bool) {
		buffered := bufio.NewReaderSize(&endingReader{in: r}, 64<<10)
		start, _ := buffered.Peek(3) // an error comes again
		switch {
		case bytes.HasPrefix(start, []byte(byteOrderMark)):
			_, _ = buffered.Discard(len(byteOrderMark))
		case bytes.HasPrefix(start, []byte("\xff\xfe")), bytes.HasPrefix(start, []byte("\xfe\xff")):
			yield(Row{}, badFile(1, 1, "", "the file must be UTF-8, and it is UTF-16: save it as CSV UTF-8"))
			return
		}
		var users rows
		switch format {
		case JSONL:
			users = readLines(buffered)
		case YAML:
			users = readYAML(buffered)
		default:
			users = readCSV(buffered)
		}
		users(yield)
	}
}

// endingReader reads until the first error, and returns it ever after. A terminal can be read on after its end.
type endingReader struct {
	in  io.Reader
	err error
}

// Read implements [io.Reader].
func (r *endingReader) Read(p []byte) (n int, err error) {
	if r.err == nil {
		n, r.err = r.in.Read(p)
	}
	return n, r.err
}
