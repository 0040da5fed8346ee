package http

import (
	"context"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/userfarm/userfarm/adapters/http/problem"
	"github.com/userfarm/userfarm/domain"
)

// untraced are the paths that monitoring asks every few seconds.
var untraced = []string{"/healthz", "/readyz", "/metrics"}

// tracing traces requests, as parts of the traces that callers name in the header traceparent.
type tracing struct {
	tracer trace.Tracer // nil if requests are not traced
	scheme string
}

func newTracing(settings Settings) tracing {
	t := tracing{scheme: "http"}
	if settings.TLS {
		t.scheme = "https"
	}
	if settings.Traces != nil {
		t.tracer = settings.Traces.Tracer("github.com/userfarm/userfarm/adapters/http")
	}
	return t
}

// begin begins the span of a request, and puts it into the request's context. The caller ends it. Without tracing, it records nothing.
func (t tracing) begin(c *fiber.Ctx) trace.Span {
	if t.tracer == nil || slices.Contains(untraced, c.Path()) {
		return trace.SpanFromContext(context.Background())
	}
	// The name and the route are known when the request is answered.
	ctx, span := t.tracer.Start(propagation.TraceContext{}.Extract(c.UserContext(), traceHeader{c}), c.Method(),
		trace.WithSpanKind(trace.SpanKindServer),
		trace.WithAttributes(semconv.HTTPRequestMethodKey.String(c.Method()), semconv.URLScheme(t.scheme)))
	c.SetUserContext(ctx)
	return span
}

// describe says in the span of a request what was asked and answered: the pattern of the path, never the path, the query, other headers or
// the body, because each may have a lease id or a password.
func describe(span trace.Span, method, route string, status int, err error) {
	if !span.IsRecording() {
		return
	}
	if route != NoRoute {
		span.SetName(method + " " + route)
		span.SetAttributes(semconv.HTTPRoute(route))
	}
	span.SetAttributes(semconv.HTTPResponseStatusCode(status))
	if status >= fiber.StatusInternalServerError {
		span.SetStatus(codes.Error, "")
		span.SetAttributes(semconv.ErrorTypeKey.String(string(problem.KindOf(err).Code)))
	}
}

// spanContextOf returns what names the span of a request. If the request has no span, it names the one that the caller sent, if any.
func spanContextOf(c *fiber.Ctx, span trace.Span) trace.SpanContext {
	if own := span.SpanContext(); own.IsValid() {
		return own
	}
	return trace.SpanContextFromContext(propagation.TraceContext{}.Extract(context.Background(), traceHeader{c}))
}

// traceparent returns a span context as the header of this name has it: https://www.w3.org/TR/trace-context/
func traceparent(of trace.SpanContext) string {
	return "00-" + of.TraceID().String() + "-" + of.SpanID().String() + "-" + of.TraceFlags().String()
}

// traceHeader lets a propagator read the header of a request.
type traceHeader struct{ c *fiber.Ctx }

var _ propagation.TextMapCarrier = traceHeader{}

// Get returns a field. Of a traceparent that was sent twice nobody knows which one is right; other fields are lists. A text that looks
// like an API key must not get into a trace.
func (h traceHeader) Get(key string) string {
	var values []string
	for _, value := range h.c.Request().Header.PeekAll(key) {
		values = append(values, string(value))
	}
	text := strings.Join(values, ",")
	if strings.EqualFold(key, "traceparent") && len(values) > 1 || strings.Contains(text, domain.TokenPrefix) {
		return ""
	}
	return text
}

// Set does nothing: a propagator only reads here.
func (traceHeader) Set(string, string) {}

// Keys returns nothing: the propagator of trace contexts asks for fields by their names.
func (traceHeader) Keys() []string { return nil }
