package main

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// schema is a type of the description.
type schema struct {
	Name        string
	Description string
	Type        string
	Limits      []string
	Fields      []field
}

// field is a member of a schema, or a parameter.
type field struct {
	Name        string
	Where       string // of a parameter: path or query
	Type        typeName
	Required    bool
	Description string
	Limits      []string
}

// typeName is the name of a type, and that of the schema behind it, if there is one.
type typeName struct{ Text, Schema string }

func viewSchema(name string, described *openapi3.Schema) schema {
	view := schema{Name: name, Description: described.Description, Type: plainType(described), Limits: limitsOf(described)}
	for _, member := range inOrder(described.Properties) {
		ref := described.Properties[member]
		view.Fields = append(view.Fields, field{
			Name: member, Type: typeOf(ref), Required: slices.Contains(described.Required, member),
			Description: ref.Value.Description, Limits: limitsOf(ref.Value),
		})
	}
	return view
}

// inOrder returns the names of the properties in the order of x-order, which is theirs on the wire.
func inOrder(properties openapi3.Schemas) []string {
	order := func(name string) float64 {
		ref := properties[name]
		at, ok := ref.Extensions["x-order"].(float64)
		if !ok {
			at, _ = ref.Value.Extensions["x-order"].(float64)
		}
		return at
	}
	return slices.SortedFunc(maps.Keys(properties), func(a, b string) int {
		return cmp.Or(cmp.Compare(order(a), order(b)), cmp.Compare(a, b))
	})
}

func typeOf(ref *openapi3.SchemaRef) typeName {
	described := ref.Value
	name := schemaName(ref)
	switch {
	case name != "":
		return typeName{name, name}
	case len(described.AllOf) > 0:
		inner := typeOf(described.AllOf[0])
		return typeName{inner.Text + orNull(described), inner.Schema}
	case described.Type.Is("array"):
		inner := typeOf(described.Items)
		return typeName{"array of " + inner.Text, inner.Schema}
	default:
		return typeName{plainType(described) + orNull(described), ""}
	}
}

func plainType(described *openapi3.Schema) string {
	text := strings.Join(described.Type.Slice(), " or ")
	if described.Format != "" && described.Format != "int32" && described.Format != "uint64" {
		text += " (" + described.Format + ")"
	}
	return text
}

func orNull(described *openapi3.Schema) string {
	if described.Nullable {
		return " or null"
	}
	return ""
}

// schemaName returns the name of the schema that ref refers to; empty if it has none.
func schemaName(ref *openapi3.SchemaRef) string {
	if ref.Ref == "" {
		return ""
	}
	return path.Base(ref.Ref)
}

// limitsOf says what a value may be, beside its type.
func limitsOf(described *openapi3.Schema) []string {
	var limits []string
	add := func(format string, args ...any) { limits = append(limits, fmt.Sprintf(format, args...)) }
	if described.Min != nil {
		add("at least %v", *described.Min)
	}
	if described.Max != nil {
		add("at most %v", *described.Max)
	}
	if described.MinLength > 0 {
		add("not empty")
	}
	if described.MaxLength != nil {
		add("at most %d characters", *described.MaxLength)
	}
	if described.MinItems > 0 {
		add("at least %d", described.MinItems)
	}
	if described.MaxItems != nil {
		add("at most %d", *described.MaxItems)
	}
	if described.MaxProps != nil {
		add("at most %d members", *described.MaxProps)
	}
	for _, value := range described.Enum {
		add("%q", value)
	}
	if described.Default != nil && described.Default != "" {
		add("default %v", described.Default)
	}
	return limits
}
