package bunstore

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/userfarm/userfarm/ports"
)

// A store needs no tracer of its own: it traces a call as a part of the span in the context of the call, and with the provider of that
// span. A call without a span that is recorded costs nothing, and what no call asked for is not traced.

const tracerName = "github.com/userfarm/userfarm/adapters/bunstore"

// served are the operations of callers that one transaction carries out, or the claims that it settles or brings into line.
type served struct {
	number int
	spans  []trace.Span // of those whose traces are recorded
}

func (s *served) add(span trace.Span) {
	s.number++
	if span != nil && span.IsRecording() {
		s.spans = append(s.spans, span)
	}
}

// traceCommit begins the span of a commit, and returns how to end it. It is a part of the first trace, so that it is recorded whenever a
// request in it is. The commit and the spans of the other requests are linked, both ways: a request must not be ended yet.
func (s *Store) traceCommit(of served) (end func(error)) {
	if len(of.spans) == 0 {
		return func(error) {}
	}
	first, others := of.spans[0], of.spans[1:]
	links := make([]trace.Link, len(others))
	for i, other := range others {
		links[i] = trace.Link{SpanContext: other.SpanContext()}
	}
	_, span := first.TracerProvider().Tracer(tracerName).Start(
		trace.ContextWithSpan(context.Background(), first), "commit", trace.WithSpanKind(trace.SpanKindClient), trace.WithLinks(links...),
		trace.WithAttributes(attribute.String("db.system.name", s.dialect.System), attribute.Int("userfarm.commit.operations", of.number)))
	for _, other := range others {
		other.AddLink(trace.Link{SpanContext: span.SpanContext()})
	}
	return func(err error) {
		if err != nil { // whose text may quote a row
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}
}

// traceWait begins the span of a claim that stands in line. It is nil if the trace of the claim is not recorded.
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
	outcome := ports.Outcome(err)
	if outcome == "failed" {
		span.SetStatus(codes.Error, "")
	}
	span.SetAttributes(attribute.String("userfarm.wait.outcome", outcome))
	span.End()
}
