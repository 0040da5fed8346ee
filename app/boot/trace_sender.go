package boot

import (
	"context"
	"log/slog"
	"sync"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/trace"
)

// complainEvery is how often the log says at most that traces can't be sent.
const complainEvery = 5 * time.Minute

// sender is an exporter that logs its errors itself, now and then: a collector that is away must not fill the log.
type sender struct {
	sdk.SpanExporter
	log    *slog.Logger
	given  context.Context // of the sender, not of a call: it ends when nothing is to be sent anymore
	giveUp context.CancelFunc

	mu         sync.Mutex
	complained time.Time
	failing    bool // the log says so
}

func newSender(exporter sdk.SpanExporter, log *slog.Logger) *sender {
	s := &sender{SpanExporter: exporter, log: log}
	s.given, s.giveUp = context.WithCancel(context.Background())
	return s
}

// ExportSpans implements [sdk.SpanExporter]. It returns no error.
func (s *sender) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.given, cancel)()
	err := s.SpanExporter.ExportSpans(ctx, spans)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err == nil && s.failing:
		s.failing = false
		s.log.Info("traces are sent again")
	case err != nil && time.Since(s.complained) >= complainEvery:
		s.complained, s.failing = time.Now(), true
		s.log.Warn("traces can't be sent, and are lost; nothing else suffers from it", "error", short(err))
	}
	return nil
}

// short returns the beginning of the text of an error, which may quote what a collector answered.
func short(err error) string {
	const most = 300
	text := err.Error()
	if len(text) <= most {
		return text
	}
	return text[:most] + "…"
}
