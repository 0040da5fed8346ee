package userfile

import (
	"errors"
	"io"
	"strings"

	"go.yaml.in/yaml/v4"
)

// readYAML reads a list of users, or several documents with a user or a list each. A document is in memory as a whole.
func readYAML(in io.Reader) rows {
	return func(yield func(Row, error) bool) {
		decoder := yaml.NewDecoder(in)
		for {
			var document yaml.Node
			err := decoder.Decode(&document)
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(Row{}, badYAML(err)) // its text may quote a password
				return
			}
			for _, node := range usersIn(&document) {
				if !yield(yamlRow(node), nil) {
					return
				}
			}
		}
	}
}

// badYAML returns the error of a document that is not YAML.
func badYAML(err error) error {
	var line, column int
	if bad, ok := errors.AsType[*yaml.LoadError](err); ok {
		line, column = bad.Mark.Line, bad.Mark.Column
	}
	return badFile(max(line, 1), max(column, 1), "", "the file is not YAML, or goes wrong here")
}

func usersIn(document *yaml.Node) []*yaml.Node {
	node := document
	if node.Kind == yaml.DocumentNode && len(node.Content) == 1 {
		node = node.Content[0]
	}
	switch {
	case node.Kind == yaml.SequenceNode:
		return node.Content
	case isNull(node):
		return nil
	default:
		return []*yaml.Node{node}
	}
}

func isNull(node *yaml.Node) bool {
	return node.Kind == yaml.ScalarNode && node.Tag == "!!null" || node.Kind == 0
}

// members returns the keys and values of a mapping, one after the other, with those that it takes over from others with a merge key,
// as in <<: *defaults. Of a key that is there several times, a mapping's own value counts, and then that of the first other mapping.
// meaning returns the same for keys that mean the same.
func members(node *yaml.Node, meaning func(key string) string) []*yaml.Node {
	var all []*yaml.Node
	known, visited := make(map[string]bool), make(map[*yaml.Node]bool)
	var add func(node *yaml.Node)
	add = func(node *yaml.Node) {
		if visited[node] { // once is enough, and it may contain itself
			return
		}
		visited[node] = true
		var own []string
		var merged []*yaml.Node
		for i := 0; i+1 < len(node.Content); i += 2 {
			name, value := node.Content[i], node.Content[i+1]
			switch {
			case isMerge(name, value):
				merged = append(merged, othersIn(value)...)
			case !known[meaning(name.Value)]:
				all, own = append(all, name, value), append(own, meaning(name.Value))
			}
		}
		for _, name := range own {
			known[name] = true
		}
		for _, other := range merged {
			add(other)
		}
	}
	add(node)
	return all
}

// isMerge reports whether a member takes over those of other mappings.
func isMerge(name, value *yaml.Node) bool { return name.Value == "<<" && len(othersIn(value)) > 0 }

// othersIn returns the mappings of a value that is one, or a list of them.
func othersIn(value *yaml.Node) (others []*yaml.Node) {
	value = valueOf(value)
	candidates := []*yaml.Node{value}
	if value.Kind == yaml.SequenceNode {
		candidates = value.Content
	}
	for _, candidate := range candidates {
		if candidate = valueOf(candidate); candidate.Kind != yaml.MappingNode {
			return nil
		}
		others = append(others, candidate)
	}
	return others
}

// valueOf returns what an alias stands for.
func valueOf(node *yaml.Node) *yaml.Node {
	if node.Kind == yaml.AliasNode && node.Alias != nil {
		return node.Alias
	}
	return node
}

func yamlRow(node *yaml.Node) Row {
	row := newRow(node.Line, node.Column)
	node = valueOf(node)
	if node.Kind != yaml.MappingNode {
		row.refuse("", "must be a mapping, such as login: ann")
		return *row
	}
	seen, content := make(map[string]bool), members(node, func(key string) string {
		field, _ := yamlField(key)
		return field
	})
	for i := 0; i+1 < len(content); i += 2 {
		name, value := content[i], valueOf(content[i+1])
		field, known := yamlField(name.Value)
		pointer := "/" + escapePointer.Replace(field)
		row.put(pointer, Place{Line: content[i+1].Line, Column: content[i+1].Column, Name: name.Value})
		switch {
		case !known:
			row.refuse(pointer, "is not known; members are %s", knownNames())
		case seen[field]:
			row.refuse(pointer, "must not be there twice")
		case isNull(value): // nothing is said
		case field == labelsName:
			row.yamlLabels(value)
		case value.Kind != yaml.ScalarNode:
			row.refuse(pointer, "must be a text")
		default:
			row.set(field, value.Value)
		}
		seen[field] = true
	}
	return *row
}

// yamlField returns the field that a key of a user means.
func yamlField(key string) (field string, known bool) {
	if strings.EqualFold(key, labelsName) {
		return labelsName, true
	}
	return fieldOf(key)
}

func (r *Row) yamlLabels(node *yaml.Node) {
	if node.Kind != yaml.MappingNode {
		r.refuse("/labels", "must be a mapping, such as role: admin")
		return
	}
	r.emptyLabels()
	content := members(node, func(key string) string { return key })
	for i := 0; i+1 < len(content); i += 2 {
		key, value := content[i], valueOf(content[i+1])
		pointer := "/labels/" + escapePointer.Replace(key.Value)
		r.put(pointer, Place{Line: value.Line, Column: value.Column, Name: labelPrefix + key.Value})
		if value.Kind != yaml.ScalarNode || isNull(value) {
			r.refuse(pointer, "must be a text")
			continue
		}
		r.setLabel(key.Value, value.Value)
	}
}
