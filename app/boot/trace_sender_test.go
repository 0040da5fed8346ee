package boot

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/trace"
)

// export is an exporter that does what it is told.
type export func(context.Context) error

func (e export) ExportSpans(ctx context.Context, _ []sdk.ReadOnlySpan) error { return e(ctx) }

func (export) Shutdown(context.Context) error { return nil }

func TestALogSaysNowAndThenThatTracesAreLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var text bytes.Buffer
		var fault error
		s := newSender(export(func(context.Context) error { return fault }), slog.New(slog.NewTextHandler(&text, nil)))
		defer s.giveUp()
		send := func(span time.Duration) {
			for range span / (5 * time.Second) {
				if err := s.ExportSpans(t.Context(), nil); err != nil {
					t.Errorf("the processor would log %v, too", err)
				}
				time.Sleep(5 * time.Second)
			}
		}
		send(time.Minute)
		fault = errors.New("connection refused " + strings.Repeat("x", 10_000))
		send(11 * time.Minute)
		fault = nil
		send(time.Minute)

		var lines []string
		for line := range strings.Lines(text.String()) {
			if _, message, _ := strings.Cut(line, "level="); len(message) > 500 {
				t.Errorf("a line has %d bytes", len(message))
			} else {
				lines = append(lines, strings.Fields(message)[0])
			}
		}
		if got := strings.Join(lines, " "); got != "WARN WARN WARN INFO" {
			t.Errorf("got %s, want a warning every 5 minutes, and that it is over:\n%s", got, &text)
		}
	})
}

func TestAnExportEndsWhenTheSenderGivesUp(t *testing.T) {
	s := newSender(export(func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	}), slog.New(slog.DiscardHandler))
	time.AfterFunc(10*time.Millisecond, s.giveUp)
	_ = s.ExportSpans(t.Context(), nil) // it returns
}
