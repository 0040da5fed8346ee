package profile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/userfarm/userfarm/domain"
)

// The fields of a file.
const (
	fieldDefault  = "default"
	fieldProfiles = "profiles"

	fieldURL        = "url"
	fieldAPIKey     = "api_key"
	fieldAPIKeyFile = "api_key_file" //nolint:gosec // a name
	fieldProject    = "project"
	fieldEnv        = "env"
)

// name is what the name of a profile looks like.
var name = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

const nameRule = "must be 1 to 64 letters, digits, '.', '_' or '-', and begin with a letter or a digit"

// parser reads the nodes of a file. It notes all errors. They never quote a value, which may be an API key.
type parser struct {
	path string
	errs []error
}

func parse(path string, text []byte) (*File, error) {
	f := &File{Path: path, Profiles: map[string]Profile{}}
	documents, err := yaml.NewLoader(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	var root, more yaml.Node
	switch err := documents.Load(&root); {
	case errors.Is(err, io.EOF):
		return f, nil
	case err != nil:
		return nil, notYAML(path, err)
	}
	p := parser{path: path}
	if err := documents.Load(&more); err == nil {
		p.fail(&more, "the file must be one YAML document")
	} else if !errors.Is(err, io.EOF) {
		return nil, notYAML(path, err)
	}
	f.root = &root
	p.file(root.Content[0], f)
	return f, errors.Join(p.errs...)
}

// notYAML returns the error of a text that is not YAML, with its line. Package yaml says what it has expected there.
func notYAML(path string, err error) error {
	if load, ok := errors.AsType[*yaml.LoadError](err); ok {
		return fmt.Errorf("%s:%d: not YAML: %s", path, load.Mark.Line, load.Message)
	}
	return fmt.Errorf("%s: not YAML: %w", path, err)
}

func (p *parser) fail(at *yaml.Node, format string, args ...any) {
	p.errs = append(p.errs, fmt.Errorf("%s:%d: %s", p.path, at.Line, fmt.Sprintf(format, args...)))
}

func (p *parser) file(node *yaml.Node, f *File) {
	p.fields(node, "the file", func(key, value *yaml.Node) bool {
		switch key.Value {
		case fieldDefault:
			f.Default = p.text(key, value)
		case fieldProfiles:
			p.profiles(value, f)
		default:
			return false
		}
		return true
	}, fieldDefault, fieldProfiles)
	if _, known := f.Profiles[f.Default]; f.Default != "" && !known {
		p.fail(node, "%s must be the name of a profile; known are %q", fieldDefault, f.Names())
	}
}

func (p *parser) profiles(node *yaml.Node, f *File) {
	p.fields(node, fieldProfiles, func(key, value *yaml.Node) bool {
		if !name.MatchString(key.Value) {
			p.fail(key, "the name of a profile %s", nameRule)
		}
		f.Profiles[key.Value] = p.profile(key.Value, value)
		return true
	})
}

func (p *parser) profile(name string, node *yaml.Node) (profile Profile) {
	p.fields(node, fmt.Sprintf("profile %q", name), func(key, value *yaml.Node) bool {
		switch key.Value {
		case fieldURL:
			profile.URL = p.text(key, value)
		case fieldAPIKey:
			profile.APIKey = domain.NewSecret(p.text(key, value))
		case fieldAPIKeyFile:
			profile.APIKeyFile = p.text(key, value)
		case fieldProject:
			profile.Project = p.text(key, value)
		case fieldEnv:
			profile.Env = p.text(key, value)
		default:
			return false
		}
		return true
	}, fieldURL, fieldAPIKey, fieldAPIKeyFile, fieldProject, fieldEnv)
	if profile.APIKey.Reveal() != "" && profile.APIKeyFile != "" {
		p.fail(node, "profile %q has both %s and %s", name, fieldAPIKey, fieldAPIKeyFile)
	}
	return profile
}

// fields calls read for each field of a mapping. read returns false for a field that is not known. A mapping without fields may
// also be null.
func (p *parser) fields(node *yaml.Node, what string, read func(key, value *yaml.Node) bool, known ...string) {
	if node.Kind == yaml.ScalarNode && node.ShortTag() == "!!null" {
		return
	}
	if node.Kind != yaml.MappingNode {
		p.fail(node, "%s must be a mapping", what)
		return
	}
	var seen []string
	for i := 0; i+1 < len(node.Content); i += 2 {
		key := node.Content[i]
		switch {
		case key.Kind != yaml.ScalarNode:
			p.fail(key, "%s has a field whose name is not a text", what)
		case slices.Contains(seen, key.Value):
			p.fail(key, "%s has %q twice", what, key.Value)
		case !read(key, node.Content[i+1]):
			p.fail(key, "%s has the unknown field %q; known are %s", what, key.Value, strings.Join(known, ", "))
		}
		seen = append(seen, key.Value)
	}
}

// text returns the value of a field. What looks like a number is a text, too.
func (p *parser) text(key, value *yaml.Node) string {
	if value.Kind != yaml.ScalarNode || value.ShortTag() == "!!null" {
		p.fail(value, "%s must be a text", key.Value)
		return ""
	}
	return value.Value
}
