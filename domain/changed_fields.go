package domain

import (
	"slices"
	"strings"
)

// ChangedFields says which fields of a user changed, and has none of their values. The zero value is no field.
type ChangedFields struct {
	Password bool
	Labels   bool
	TOTP     bool
}

// Names returns the names of the fields, as callers know them, in a fixed order.
func (f ChangedFields) Names() []string {
	names := []string{}
	for _, field := range f.fields() {
		if *field.changed {
			names = append(names, field.name)
		}
	}
	return names
}

// String returns the names with commas between them, which [ParseChangedFields] reads.
func (f ChangedFields) String() string { return strings.Join(f.Names(), ",") }

// ParseChangedFields reads what [ChangedFields.String] returned. It leaves out names that it does not know: a newer program may
// have written them.
func ParseChangedFields(text string) (f ChangedFields) {
	names := strings.Split(text, ",")
	for _, field := range f.fields() {
		*field.changed = slices.Contains(names, field.name)
	}
	return f
}

type changedField struct {
	name    string
	changed *bool
}

func (f *ChangedFields) fields() []changedField {
	return []changedField{{"password", &f.Password}, {"labels", &f.Labels}, {"totp_secret", &f.TOTP}}
}
