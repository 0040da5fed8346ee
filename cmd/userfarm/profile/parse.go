package profile

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/userfarm/userfarm/domain"
)

// document is the text of a file.
type document struct {
	Default  string           `json:"default,omitzero"`
	Profiles map[string]entry `json:"profiles,omitzero"`
}

// entry is a profile in the text of a file.
type entry struct {
	URL        string `json:"url,omitzero"`
	APIKey     string `json:"api_key,omitzero"` //nolint:gosec // the file is for its owner only
	APIKeyFile string `json:"api_key_file,omitzero"`
	Project    string `json:"project,omitzero"`
	Env        string `json:"env,omitzero"`
}

// name is what the name of a profile looks like.
var name = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

const nameRule = "must be 1 to 64 letters, digits, '.', '_' or '-', and begin with a letter or a digit"

// parse reads the text of a file. Its errors never quote a value, which may be an API key.
func parse(path string, text []byte) (*File, error) {
	f := &File{Path: path, Profiles: map[string]Profile{}}
	if len(bytes.TrimSpace(text)) == 0 {
		return f, nil
	}
	var d document
	if err := json.Unmarshal(text, &d, json.RejectUnknownMembers(true)); err != nil {
		return nil, explain(path, text, err)
	}
	f.Default = d.Default
	for profile, e := range d.Profiles {
		if !name.MatchString(profile) {
			return nil, fmt.Errorf("%s: %q: the name of a profile %s", path, profile, nameRule)
		}
		if e.APIKey != "" && e.APIKeyFile != "" {
			return nil, fmt.Errorf("%s: profile %q has both api_key and api_key_file", path, profile)
		}
		f.Profiles[profile] = Profile{
			URL: e.URL, APIKey: domain.NewSecret(e.APIKey), APIKeyFile: e.APIKeyFile, Project: e.Project, Env: e.Env,
		}
	}
	if _, known := f.Profiles[f.Default]; f.Default != "" && !known {
		known := "known are " + strings.Join(f.Names(), ", ")
		if len(f.Profiles) == 0 {
			known = "the file has none, so remove default"
		}
		return nil, fmt.Errorf("%s: default must be the name of a profile; %s", path, known)
	}
	return f, nil
}

// text returns what parse reads.
func (f *File) text() ([]byte, error) {
	d := document{Default: f.Default, Profiles: make(map[string]entry)}
	for name, p := range f.Profiles {
		d.Profiles[name] = entry{URL: p.URL, APIKey: p.APIKey.Reveal(), APIKeyFile: p.APIKeyFile, Project: p.Project, Env: p.Env}
	}
	text, err := json.Marshal(d, json.Deterministic(true), jsontext.WithIndent("  "))
	return append(text, '\n'), err
}

// explain returns the error of a text that can't be read, with its line.
func explain(path string, text []byte, err error) error {
	at := func(offset int64) string {
		return fmt.Sprintf("%s:%d", path, 1+bytes.Count(text[:min(int(offset), len(text))], []byte("\n")))
	}
	if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		if errors.Is(err, jsontext.ErrDuplicateName) {
			return fmt.Errorf("%s: %s is there twice", at(syntax.ByteOffset), syntax.JSONPointer)
		}
		return fmt.Errorf("%s: not JSON: %w", at(syntax.ByteOffset), syntax.Err)
	}
	field, ok := errors.AsType[*json.SemanticError](err)
	if !ok {
		return fmt.Errorf("%s: not JSON", path)
	}
	if errors.Is(err, json.ErrUnknownName) {
		known := namesOf[document]()
		if strings.Count(string(field.JSONPointer), "/") > 1 {
			known = namesOf[entry]()
		}
		return fmt.Errorf("%s: unknown field %s; known are %s", at(field.ByteOffset), field.JSONPointer, strings.Join(known, ", "))
	}
	what := "a text"
	if field.GoType.Kind() != reflect.String {
		what = "an object"
	}
	return fmt.Errorf("%s: %s must be %s", at(field.ByteOffset), orWhole(string(field.JSONPointer)), what)
}

// orWhole names the place in a file.
func orWhole(pointer string) string {
	if pointer == "" {
		return "the file"
	}
	return pointer
}

// namesOf returns the names of the fields of an object.
func namesOf[T any]() (names []string) {
	object := reflect.TypeFor[T]()
	for i := range object.NumField() {
		name, _, _ := strings.Cut(object.Field(i).Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}
