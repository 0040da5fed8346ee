package memory

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/userfarm/userfarm/ports"
)

const tracerName = "github.com/userfarm/userfarm/adapters/memory"

// traceWait begins the span of a claim that stands in line, as a part of the span in ctx and with its provider. It is nil if the trace of
// the claim is not recorded.
func traceWait(ctx context.Context) trace.Span {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return nil
	}
	_, span := parent.TracerProvider().Tracer(tracerName).Start(ctx, "wait in line")
	return span
}

// endWait ends the span of a claim that has the result err.
func endWait(span trace.Span, err error) {
	if span == nil {
		return
	}
	span.SetAttributes(attribute.String("userfarm.wait.outcome", ports.Outcome(err)))
	span.End()
}
