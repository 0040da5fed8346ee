package userfile

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/userfarm/userfarm/domain"
)

// Layout says what a file of users has.
type Layout struct {
	Secrets bool // the passwords and second factors

	// Labels has the keys of the labels, for a CSV file, which has a column for each.
	Labels []string

	// LabelsAsJSON says that a CSV file has the labels of each user in one column. It is needed if [FitCell] is false for some.
	LabelsAsJSON bool
}

// FitCell reports whether a cell of a CSV file can have a text, such as the value of a label. An empty cell is no label, and blanks at the ends of a cell
// do not count.
func FitCell(label string) bool { return label != "" && strings.TrimSpace(label) == label }

// Writer writes a file of users that [Read] reads.
type Writer interface {
	Write(user domain.Spec) error

	// Flush ends the file.
	Flush() error
}

// NewWriter returns a writer of a format.
func NewWriter(w io.Writer, format Format, layout Layout) (Writer, error) {
	switch format {
	case JSONL:
		encoder := json.NewEncoder(w)
		encoder.SetEscapeHTML(false)
		return &lineWriter{encoder, layout}, nil
	case YAML:
		return &yamlWriter{to: w, layout: layout}, nil
	default:
		return newCSVWriter(w, layout)
	}
}

// written is a user as JSON lines and YAML have it.
type written struct {
	ProjectID string        `json:"project_id" yaml:"project_id"`
	Env       string        `json:"env" yaml:"env"`
	Domain    string        `json:"domain" yaml:"domain"`
	Login     string        `json:"login" yaml:"login"`
	Password  string        `json:"password,omitempty" yaml:"password,omitempty"`
	TOTP      string        `json:"totp_secret,omitempty" yaml:"totp_secret,omitempty"`
	Labels    domain.Labels `json:"labels" yaml:"labels"`
}

func (l Layout) written(user domain.Spec) written {
	shown := written{
		ProjectID: user.Pool.ProjectID.String(), Env: user.Pool.Env, Domain: user.Pool.Domain, Login: user.Login, Labels: user.Labels.Clone(),
	}
	if l.Secrets {
		shown.Password, shown.TOTP = user.Password.Reveal(), user.TOTP.URI().Reveal()
	}
	return shown
}

type lineWriter struct {
	encoder *json.Encoder
	layout  Layout
}

// Write implements [Writer].
func (w *lineWriter) Write(user domain.Spec) error {
	return w.encoder.Encode(w.layout.written(user)) //nolint:gosec // the passwords are what the file is for
}

// Flush implements [Writer].
func (w *lineWriter) Flush() error { return nil }

// documentUsers is how many users a document of YAML has. A reader has the whole document in memory.
const documentUsers = 1000

type yamlWriter struct {
	to      io.Writer
	layout  Layout
	written int
}

// Write writes a list of one user. The lists are one when they stand one below the other.
func (w *yamlWriter) Write(user domain.Spec) error {
	list, err := yaml.Marshal([]written{w.layout.written(user)})
	if err != nil {
		return err
	}
	list = bytes.TrimPrefix(list, []byte("---\n"))
	if w.written > 0 && w.written%documentUsers == 0 {
		list = slices.Concat([]byte("---\n"), list)
	}
	w.written++
	_, err = w.to.Write(list)
	return err
}

// Flush implements [Writer].
func (w *yamlWriter) Flush() error { return nil }

type csvWriter struct {
	writer *csv.Writer
	layout Layout
}

func newCSVWriter(w io.Writer, layout Layout) (Writer, error) {
	c := &csvWriter{csv.NewWriter(w), layout}
	header := slices.Clone(fields[:4])
	if layout.Secrets {
		header = slices.Clone(fields)
	}
	if layout.LabelsAsJSON {
		header = append(header, labelsName)
	} else {
		for _, key := range layout.Labels {
			header = append(header, labelPrefix+key)
		}
	}
	return c, c.writer.Write(header)
}

// Write implements [Writer].
func (c *csvWriter) Write(user domain.Spec) error {
	shown := c.layout.written(user)
	cells := []string{shown.ProjectID, shown.Env, shown.Domain, shown.Login}
	for i, cell := range cells {
		if !FitCell(cell) {
			return fmt.Errorf("the %s of the user %q has blanks at its ends, which cells lose: export the users with --format jsonl",
				fields[i], shown.Login)
		}
	}
	if c.layout.Secrets {
		cells = append(cells, shown.Password, shown.TOTP)
	}
	if c.layout.LabelsAsJSON {
		labels, err := json.Marshal(shown.Labels)
		if err != nil {
			return err
		}
		return c.writer.Write(append(cells, string(labels)))
	}
	for _, key := range c.layout.Labels {
		cells = append(cells, shown.Labels[key])
	}
	for _, key := range slices.Sorted(maps.Keys(shown.Labels)) {
		if !slices.Contains(c.layout.Labels, key) || !FitCell(shown.Labels[key]) {
			return fmt.Errorf("the user %s got the label %s while the users were exported: export them again", shown.Login, key)
		}
	}
	return c.writer.Write(cells)
}

// Flush implements [Writer].
func (c *csvWriter) Flush() error {
	c.writer.Flush()
	return c.writer.Error()
}
