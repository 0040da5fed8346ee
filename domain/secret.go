package domain

import (
	"encoding/json"
	"log/slog"
)

const redacted = "[redacted]"

// Secret is a text that must not leak: it redacts itself in every printed, logged or encoded form. [Secret.Reveal] is
// the only way to the text.
type Secret struct{ text string }

// NewSecret returns the secret that hides text.
func NewSecret(text string) Secret { return Secret{text: text} }

// Reveal returns the text.
func (s Secret) Reveal() string { return s.text }

// String redacts the secret.
func (Secret) String() string { return redacted }

// GoString redacts the secret.
func (Secret) GoString() string { return redacted }

// MarshalJSON redacts the secret.
func (Secret) MarshalJSON() ([]byte, error) { return json.Marshal(redacted) }

// LogValue redacts the secret.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
