package read

import "bytes"

// IsNoBody reports whether a body says nothing. HTTP libraries have several ways to send no body: some send nothing, and
// some encode their language's nothing as JSON: null, an empty text, or the empty array of PHP.
func IsNoBody(body []byte) bool {
	switch string(bytes.Trim(body, " \t\r\n")) {
	case "", "null", `""`, "[]":
		return true
	default:
		return false
	}
}
