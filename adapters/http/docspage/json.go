package main

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// lineWidth is how many characters of JSON go on one line.
const lineWidth = 88

// formatJSON returns the JSON of a value as its schema has it on the wire: members in their order, and numbers that are
// not integers with a fraction.
func formatJSON(value any, described *openapi3.Schema) string {
	return formatAt("", value, described)
}

// formatAt is formatJSON for a value in a line that begins with indent.
func formatAt(indent string, value any, described *openapi3.Schema) string {
	if len(described.AllOf) > 0 {
		described = described.AllOf[0].Value
	}
	deeper := indent + "  "
	switch value := value.(type) {
	case map[string]any:
		var members []string
		for _, name := range membersInOrder(value, described) {
			members = append(members, quote(name)+": "+formatAt(deeper, value[name], memberSchema(described, name)))
		}
		return formatList(indent, "{", members, "}")
	case []any:
		var elements []string
		for _, element := range value {
			elements = append(elements, formatAt(deeper, element, described.Items.Value))
		}
		return formatList(indent, "[", elements, "]")
	case float64:
		text := strconv.FormatFloat(value, 'f', -1, 64)
		if described.Type.Is("number") && !strings.Contains(text, ".") {
			text += ".0"
		}
		return text
	case string:
		return quote(value)
	case bool:
		return strconv.FormatBool(value)
	case nil:
		return "null"
	default:
		panic("an example has a value of a type that formatJSON does not know")
	}
}

// formatList puts the parts on one line if they fit, else on one each.
func formatList(indent, open string, parts []string, closing string) string {
	line := open + strings.Join(parts, ", ") + closing
	if len(indent+line) <= lineWidth && !strings.Contains(line, "\n") {
		return line
	}
	deeper := "\n" + indent + "  "
	return open + deeper + strings.Join(parts, ","+deeper) + "\n" + indent + closing
}

func membersInOrder(object map[string]any, described *openapi3.Schema) []string {
	if len(described.Properties) == 0 {
		return slices.Sorted(maps.Keys(object))
	}
	return slices.DeleteFunc(inOrder(described.Properties), func(name string) bool {
		_, there := object[name]
		return !there
	})
}

func memberSchema(described *openapi3.Schema, name string) *openapi3.Schema {
	if property := described.Properties[name]; property != nil {
		return property.Value
	}
	return described.AdditionalProperties.Schema.Value
}

func quote(text string) string {
	var quoted strings.Builder
	encoder := json.NewEncoder(&quoted)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(text); err != nil {
		panic(err) // every string has a JSON form
	}
	return strings.TrimSpace(quoted.String())
}
