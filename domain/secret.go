package domain

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"unique"
)

const redacted = "[redacted]"

// Secret is a text that must not leak: it redacts itself in every printed, logged or encoded form. [Secret.Reveal] is
// the only way to the text. Secrets are equal if their texts are.
type Secret struct {
	// A handle is a pointer that compares by value. A plain string would be printed by fmt wherever a Secret is in
	// an unexported field, whose methods fmt can't call.
	text unique.Handle[string]
}

// NewSecret returns the secret that hides text.
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
