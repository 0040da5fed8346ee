package domain

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

const (
	// MostCounted is where the counts of a [NearMiss] end: it stands for "more than 100".
	MostCounted = 101

	mostValues = 3 // of a NearMiss
)

// Field is a field of a [Selector] that tells users apart: see [Selector.Fields]. The zero value is none.
type Field struct{ name, label string }

// The fields of the pool.
var (
	FieldProject = Field{name: "project_id"}
	FieldEnv     = Field{name: "env"}
	FieldDomain  = Field{name: "domain"}
)

// FieldLabel is the label with this key.
func FieldLabel(key string) Field { return Field{name: "labels", label: key} }

// Label returns the key of the label. ok is false for a field of the pool.
func (f Field) Label() (key string, ok bool) { return f.label, f.name == "labels" }

// Pointer returns a JSON pointer (RFC 6901) to the field in its selector; an empty one for the zero value.
func (f Field) Pointer() string {
	if key, ok := f.Label(); ok {
		return "/labels/" + pointerEscape.Replace(key)
	}
	return strings.TrimSuffix("/"+f.name, "/")
}

// String returns the name of the field for people.
func (f Field) String() string {
	if key, ok := f.Label(); ok {
		return "label " + key
	}
	return f.name
}

// Of returns the field's value of a user with this pool and these labels. ok is false if the user lacks the label.
func (f Field) Of(pool Pool, labels Labels) (value string, ok bool) {
	switch f {
	case FieldProject:
		return pool.ProjectID.String(), true
	case FieldEnv:
		return pool.Env, true
	case FieldDomain:
		return pool.Domain, true
	default:
		value, ok = labels[f.label]
		return value, ok
	}
}

// Fields returns the fields that the selector sets. A selector that names a user has none.
func (s Selector) Fields() []Field {
	var fields []Field
	if !s.ProjectID.IsZero() {
		fields = append(fields, FieldProject)
	}
	if s.Env != "" {
		fields = append(fields, FieldEnv)
	}
	if s.Domain != "" {
		fields = append(fields, FieldDomain)
	}
	for _, key := range slices.Sorted(maps.Keys(s.Labels)) {
		fields = append(fields, FieldLabel(key))
	}
	return fields
}

// Without returns the selector without a field: users match it whatever they have there.
func (s Selector) Without(f Field) Selector {
	switch f {
	case FieldProject:
		s.ProjectID = ProjectID{}
	case FieldEnv:
		s.Env = ""
	case FieldDomain:
		s.Domain = ""
	default:
		s.Labels = s.Labels.Clone()
		delete(s.Labels, f.label)
	}
	return s
}

// ValueCount is how many users have a value in a field.
type ValueCount struct {
	Value  string
	Absent bool // they lack the label
	Users  int
}

// NearMiss tells how close users come to a selector that got none: they match it in all fields but one, or are too few.
type NearMiss struct {
	Selector int // the index of the selector
	Want     Selector

	// Field is the one that they do not match. It is zero if no field alone is to blame: then Users are all users of the
	// project that the selector names, or all.
	Field Field

	// Matching says that Users match the selector, and that the request wants more such users. Then Field is zero.
	Matching bool

	Users  int      // at most [MostCounted]
	Values []string // that they have in the field instead, at most three: similar ones first, then frequent ones
	Others bool     // some have a value that is not in Values, or lack the label
}

// MissedBy returns how users miss the selector with this index by one field. counts are of the users that match the selector
// without the field. ok is false if none of them misses it.
func (s Selector) MissedBy(f Field, index int, counts []ValueCount) (miss NearMiss, ok bool) {
	var others []ValueCount
	miss = NearMiss{Selector: index, Want: s, Field: f}
	wanted := miss.Wanted()
	for _, c := range counts {
		switch {
		case c.Users == 0 || !c.Absent && c.Value == wanted:
			continue
		case c.Absent:
			miss.Others = true
		default:
			others = append(others, c)
		}
		miss.Users = min(miss.Users+c.Users, MostCounted)
	}
	differs := make(map[string]int, len(others))
	for _, c := range others {
		differs[c.Value] = unlikeness(wanted, c.Value)
	}
	slices.SortFunc(others, func(a, b ValueCount) int {
		return cmp.Or(
			cmp.Compare(differs[a.Value], differs[b.Value]),
			cmp.Compare(b.Users, a.Users),
			cmp.Compare(a.Value, b.Value),
		)
	})
	for _, c := range others[:min(len(others), mostValues)] {
		miss.Values = append(miss.Values, c.Value)
	}
	miss.Others = miss.Others || len(others) > mostValues
	return miss, miss.Users > 0
}

// TooFew returns that these users match the selector with this index, but that others of the request need them.
func (s Selector) TooFew(index, users int) NearMiss {
	return NearMiss{Selector: index, Want: s, Matching: true, Users: users}
}

// MissedByAll returns that users miss the selector with this index by more than one field. counts are of all users of the
// project that the selector names, or of all users if it names none.
func (s Selector) MissedByAll(index int, counts []ValueCount) NearMiss {
	miss := NearMiss{Selector: index, Want: s}
	for _, c := range counts {
		miss.Users = min(miss.Users+c.Users, MostCounted)
	}
	return miss
}

// Pointer returns a JSON pointer to the field in the request, or to the selector if no field alone is to blame.
func (m NearMiss) Pointer() string { return fmt.Sprintf("/users/%d%s", m.Selector, m.Field.Pointer()) }

// Wanted returns what the selector wants in the field; empty if no field alone is to blame.
func (m NearMiss) Wanted() string {
	if m.Field == (Field{}) {
		return ""
	}
	wanted, _ := m.Field.Of(Pool{ProjectID: m.Want.ProjectID, Env: m.Want.Env, Domain: m.Want.Domain}, m.Want.Labels)
	return wanted
}

// String describes the near miss for people.
func (m NearMiss) String() string {
	users, match, have := fmt.Sprintf("%d users", m.Users), "match", "have"
	switch m.Users {
	case 0:
		users = "no users"
	case 1:
		users, match, have = "1 user", "matches", "has"
	case MostCounted:
		users = fmt.Sprintf("more than %d users", MostCounted-1)
	}
	if m.Matching {
		return fmt.Sprintf("only %s %s, and more are wanted", users, match)
	}
	if m.Field == (Field{}) {
		return m.describeAll(users)
	}
	if len(m.Values) == 0 {
		return fmt.Sprintf("%s that %s otherwise %s no %v", users, match, have, m.Field)
	}
	values := make([]string, len(m.Values))
	for i, value := range m.Values {
		values[i] = strconv.Quote(value)
	}
	if m.Others {
		values = append(values, "something else")
	}
	last := len(values) - 1
	either := values[last]
	if last > 0 {
		either = strings.Join(values[:last], ", ") + " or " + either
	}
	return fmt.Sprintf("%s that %s otherwise %s %v %s, not %q", users, match, have, m.Field, either, m.Wanted())
}

// describeAll describes a miss that is not by one field.
func (m NearMiss) describeAll(users string) string {
	where := "the farm has " + users
	if !m.Want.ProjectID.IsZero() {
		where = fmt.Sprintf("project %v has %s", m.Want.ProjectID, users)
	}
	if m.Users == 0 || len(m.Want.Fields()) == 0 {
		return where
	}
	return "no field alone is to blame, and " + where
}

// Similar returns the values that a person may have mistaken for the wanted one, at most three, the most similar ones first.
func Similar(wanted string, values []string) []string {
	var similar []string
	differs := make(map[string]int, len(values))
	for _, value := range values {
		if differs[value] = unlikeness(wanted, value); differs[value] < math.MaxInt {
			similar = append(similar, value)
		}
	}
	slices.SortFunc(similar, func(a, b string) int {
		return cmp.Or(cmp.Compare(differs[a], differs[b]), cmp.Compare(a, b))
	})
	return similar[:min(len(similar), mostValues)]
}

// unlikeness is how many characters differ between texts that a person may mistake for each other, without regard to case.
// It is the same large number for all other texts.
func unlikeness(a, b string) int {
	const longest = 64 // longer texts are compared up to here
	x, y := []rune(strings.ToLower(a)), []rune(strings.ToLower(b))
	x, y = x[:min(len(x), longest)], y[:min(len(y), longest)]
	distance := editDistance(x, y)
	within := strings.Contains(string(x), string(y)) || strings.Contains(string(y), string(x))
	if len(x) == 0 || len(y) == 0 || !within && distance > max(len(x), len(y))/2 {
		return math.MaxInt
	}
	return distance
}

// editDistance is how many characters to add, remove or replace to make one text of another (Levenshtein).
func editDistance(a, b []rune) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i, x := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j, y := range b {
			replaced := diagonal
			if x != y {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(row[j+1]+1, row[j]+1, replaced)
		}
	}
	return row[len(b)]
}
