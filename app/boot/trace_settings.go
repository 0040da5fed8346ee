package boot

import (
	"log/slog"

	"github.com/go-logr/logr"
)

// settingErrors logs that a library can't use a setting, without the details, which may quote one that has a password.
type settingErrors struct{ log *slog.Logger }

var _ logr.LogSink = settingErrors{}

// Init implements [logr.LogSink].
func (settingErrors) Init(logr.RuntimeInfo) {}

// Enabled implements [logr.LogSink]: what is no error is of use to developers of the library.
func (settingErrors) Enabled(int) bool { return false }

// Info implements [logr.LogSink].
func (settingErrors) Info(int, string, ...any) {}

// Error implements [logr.LogSink].
func (s settingErrors) Error(_ error, message string, _ ...any) {
	s.log.Warn("OpenTelemetry can't use one of the OTEL_ variables, and ignores it", "failed", message)
}

// WithValues implements [logr.LogSink].
func (s settingErrors) WithValues(...any) logr.LogSink { return s }

// WithName implements [logr.LogSink].
func (s settingErrors) WithName(string) logr.LogSink { return s }
