// Package userfile reads and writes files of users: CSV, JSON lines and YAML. It reads them as people mean them, and says where in the
// file something breaks a rule.
package userfile

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"unicode"

	"github.com/userfarm/userfarm/domain"
)

// Row is a user of a file.
type Row struct {
	// User has the problems with the file itself in Unread.
	User domain.ImportRow

	// ProjectName is what the file has in place of the id of a project, which is zero then.
	ProjectName string

	Line   int // on which the user begins
	column int
	places map[string]Place // of its fields, by the JSON pointers of the API
	given  map[string]bool  // those that are not empty
}

// Place is where something is in a file.
type Place struct {
	Line, Column int    // from 1; columns count bytes
	Name         string // of the column or member; empty for the whole row
}

// Place returns the place of a field, or of the row if the file does not have the field.
func (r Row) Place(pointer string) Place {
	for at := pointer; at != ""; at = at[:strings.LastIndexByte(at, '/')] {
		if place, ok := r.places[at]; ok {
			return place
		}
	}
	return Place{Line: r.Line, Column: r.column, Name: nameOf(pointer)}
}

// Has reports whether the file has a field of the user, and not an empty one.
func (r Row) Has(pointer string) bool { return r.given[pointer] }

// nameOf returns the name that a field has in files.
func nameOf(pointer string) string {
	name := strings.TrimPrefix(pointer, "/")
	if key, ok := strings.CutPrefix(name, "labels/"); ok {
		return labelPrefix + unescapePointer.Replace(key)
	}
	return name
}

var (
	escapePointer   = strings.NewReplacer("~", "~0", "/", "~1")
	unescapePointer = strings.NewReplacer("~1", "/", "~0", "~")
)

func newRow(line, column int) *Row {
	return &Row{Line: line, column: column, places: make(map[string]Place), given: make(map[string]bool)}
}

func (r *Row) put(pointer string, place Place) {
	place.Name = shortened(place.Name)
	r.places[pointer] = place
}

const longestName = 40

// shortened returns a name of a file as an error may show it: a file that is none of users may have anything in its place.
func shortened(name string) string {
	name = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, name)
	if runes := []rune(name); len(runes) > longestName {
		return string(runes[:longestName]) + "…"
	}
	return name
}

// refuse notes that a field breaks a rule of files.
func (r *Row) refuse(pointer, format string, args ...any) {
	r.User.Unread = append(r.User.Unread, domain.FieldError{Pointer: pointer, Detail: fmt.Sprintf(format, args...)})
}

// rows yields the users of a file. An error ends it.
type rows = iter.Seq2[Row, error]

// set sets the text of a field, which is one of fields.
func (r *Row) set(name, text string) {
	r.given["/"+name] = text != ""
	switch name {
	case "project_id":
		id, err := domain.ParseUserID(strings.ToLower(strings.TrimSpace(text))) // all ids have one form
		if err != nil {
			r.ProjectName = text
		}
		r.User.Pool.ProjectID = domain.ProjectID(id)
	case "env":
		r.User.Pool.Env = text
	case "domain":
		r.User.Pool.Domain = text
	case "login":
		r.User.Login = text
	case "password":
		r.User.Password = new(domain.NewSecret(text))
	case "totp_secret":
		r.User.TOTP = new(domain.TOTP{})
		if text == "" {
			return
		}
		totp, err := domain.ParseTOTP(text)
		if err != nil {
			r.refuse("/totp_secret", "must be base32, or an otpauth://totp/ URI")
		}
		*r.User.TOTP = totp
	}
}

func (r *Row) setLabel(key, value string) {
	r.emptyLabels()
	(*r.User.Labels)[key] = value
}

// fields are the columns and members of files, besides labels, in the order in which they are written.
var fields = []string{"project_id", "env", "domain", "login", "password", "totp_secret"}

// aliases are other names that people give to fields.
var aliases = map[string]string{"project": "project_id", "totp": "totp_secret", "user": "login", "username": "login", "environment": "env"}

const (
	labelPrefix = "label:"
	labelsName  = "labels"
)

// fieldOf returns the field that a name means.
func fieldOf(name string) (field string, known bool) {
	name = strings.ToLower(strings.TrimSpace(name))
	if alias, ok := aliases[name]; ok {
		name = alias
	}
	return name, slices.Contains(fields, name)
}

// knownNames lists what columns and members may be called.
func knownNames() string {
	return strings.Join(fields, ", ") + ", " + labelsName
}

// emptyLabels sets labels without any, unless there are some.
func (r *Row) emptyLabels() {
	if r.User.Labels == nil {
		r.User.Labels = &domain.Labels{}
	}
}
