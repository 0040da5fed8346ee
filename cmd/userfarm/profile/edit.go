package profile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2/maybe"
	"go.yaml.in/yaml/v4"

	"github.com/userfarm/userfarm/domain"
)

// Change says what changes of a profile. A field that is nil stays as it is, and an empty one is removed.
type Change struct {
	URL, APIKeyFile, Project, Env *string
	APIKey                        *domain.Secret
}

// Set changes a profile, or adds it. The first profile becomes the default one. An API key replaces its file, and the other way round.
func (f *File) Set(profile string, change Change) error {
	if !name.MatchString(profile) {
		return errors.New("the name of a profile " + nameRule)
	}
	node := child(child(f.mapping(), fieldProfiles), profile)
	if change.APIKeyFile != nil {
		remove(node, fieldAPIKey)
	}
	for _, field := range []struct {
		name string
		text *string
	}{
		{fieldURL, change.URL}, {fieldAPIKeyFile, change.APIKeyFile}, {fieldProject, change.Project}, {fieldEnv, change.Env},
	} {
		if field.text != nil {
			set(node, field.name, *field.text)
		}
	}
	if change.APIKey != nil {
		remove(node, fieldAPIKeyFile)
		set(node, fieldAPIKey, change.APIKey.Reveal())
	}
	if len(f.Profiles) == 0 {
		set(f.mapping(), fieldDefault, profile)
	}
	return f.write()
}

// Use makes a profile the default one.
func (f *File) Use(profile string) error {
	if _, known := f.Profiles[profile]; !known {
		return f.unknown(profile)
	}
	set(f.mapping(), fieldDefault, profile)
	return f.write()
}

// Remove removes a profile. If it was the default one, there is none afterwards.
func (f *File) Remove(profile string) error {
	if _, known := f.Profiles[profile]; !known {
		return f.unknown(profile)
	}
	remove(child(f.mapping(), fieldProfiles), profile)
	if f.Default == profile {
		remove(f.mapping(), fieldDefault)
	}
	return f.write()
}

// write writes the file, so that only its owner can read it. A crash leaves the old file or the new one. Comments stay.
func (f *File) write() error {
	text, err := yaml.Dump(f.root)
	if err != nil {
		return err
	}
	if _, err := parse(f.Path, text); err != nil {
		return fmt.Errorf("nothing was changed: %w", err)
	}
	path, err := filepath.EvalSymlinks(f.Path)
	if errors.Is(err, os.ErrNotExist) {
		path, err = f.Path, os.MkdirAll(filepath.Dir(f.Path), 0o700)
	}
	if err != nil {
		return err
	}
	return maybe.WriteFile(path, text, 0o600)
}

// mapping returns the mapping that the file is.
func (f *File) mapping() *yaml.Node {
	if f.root == nil || len(f.root.Content) == 0 {
		f.root = &yaml.Node{Kind: yaml.DocumentNode, Content: []*yaml.Node{{}}}
	}
	return f.root.Content[0]
}

// child returns the mapping in a field of a mapping, which it adds if there is none.
func child(node *yaml.Node, field string) *yaml.Node {
	value := find(node, field)
	if value == nil {
		value = &yaml.Node{Kind: yaml.MappingNode}
		add(node, field, value)
	}
	return value
}

// set gives a field of a mapping a text, or removes it if that is empty.
func set(node *yaml.Node, field, text string) {
	if text == "" {
		remove(node, field)
		return
	}
	value := find(node, field)
	if value == nil {
		value = &yaml.Node{}
		add(node, field, value)
	}
	value.SetString(text)
}

func find(node *yaml.Node, field string) *yaml.Node {
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == field {
			return node.Content[i+1]
		}
	}
	return nil
}

// add adds a field to a node, and makes a mapping of null.
func add(node *yaml.Node, field string, value *yaml.Node) {
	node.Kind, node.Tag, node.Value, node.Style = yaml.MappingNode, "", "", 0
	key := &yaml.Node{}
	key.SetString(field)
	node.Content = append(node.Content, key, value)
}

func remove(node *yaml.Node, field string) {
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == field {
			node.Content = append(node.Content[:i], node.Content[i+2:]...)
			return
		}
	}
}
