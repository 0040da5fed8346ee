package main

import (
	"encoding/json"
	"os"
)

// jsonFlag makes a command write for programs what it otherwise writes for people.
type jsonFlag struct {
	JSON bool `help:"Write JSON, as the API does."`
}

// writeJSON writes a value to standard output.
func writeJSON(value any) error {
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}
