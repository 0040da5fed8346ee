package domain

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"unique"
)

const redacted = "[redacted]"

// Secret is a text that must not leak. It redacts itself when it is printed, logged or encoded. Only [Secret.Reveal] returns
// the text. Secrets are equal if their texts are equal.
type Secret struct {
	// A handle is a pointer that compares by value. fmt would print a plain string if the Secret is in an unexported field,
	// because it can't call the methods of such fields.
	text unique.Handle[string]
}

// NewSecret returns a secret with this text.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{text: unique.Make(text)}
}

// Reveal returns the text.
func (s Secret) Reveal() string {
	if s == (Secret{}) {
		return ""
	}
	return s.text.Value()
}

// String redacts the secret.
func (Secret) String() string { return redacted }

// GoString redacts the secret, for printers that are not fmt.
func (Secret) GoString() string { return redacted }

// Format redacts the secret, whatever the verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalJSON redacts the secret.
func (Secret) MarshalJSON() ([]byte, error) { return json.Marshal(redacted) }

// LogValue redacts the secret.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
