package http_test

import (
	"errors"
	"log/slog"
	nethttp "net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/userfarm/userfarm/adapters/http"
	"github.com/userfarm/userfarm/adapters/memory"
	"github.com/userfarm/userfarm/ports"
)

const (
	callersTrace = "0af7651916cd43dd8448eb211c80319c"
	callersSpan  = "b7ad6b7169203331"
)

// newTracedServer returns a server whose log is in text, and the spans that have ended.
func newTracedServer(farm ports.Farm, health ports.Health, text *logBuffer) (*http.Server, *tracetest.InMemoryExporter) {
	ended := tracetest.NewInMemoryExporter()
	log := slog.New(slog.NewTextHandler(text, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: withoutChance}))
	return mustServe(http.New(openGate{farm}, health, http.Settings{
		Limits: http.DefaultLimits(), Traces: sdk.NewTracerProvider(sdk.WithSyncer(ended)),
	}, log)), ended
}

func TestASpanNamesARequestByItsRoute(t *testing.T) {
	store := memory.New()
	server, ended := newTracedServer(mustFarm(store, settings), store, new(logBuffer))
	c := serve(t, server)
	c.get("/v1/leases/" + someID).want(404)
	c.get("/v1/users?login=alice").want(200)
	c.get("/nothing/" + someID).want(404)
	c.send("DELETE", "/v1/leases/"+someID, "").want(405)
	c.post("/v1/leases", `{"users":[{"env":"secret"}]}`).want(404)

	var got []string
	for _, span := range ended.GetSpans() {
		text := span.Name
		for _, a := range span.Attributes {
			text += " " + string(a.Key) + "=" + a.Value.String()
		}
		got = append(got, text)
		if span.SpanKind != trace.SpanKindServer || span.Status.Code != codes.Unset || span.Parent.IsValid() {
			t.Errorf("%s has the kind %v, the status %v and the parent %v", span.Name, span.SpanKind, span.Status, span.Parent)
		}
	}
	want := []string{
		"GET /v1/leases/:lease_id http.request.method=GET url.scheme=http http.route=/v1/leases/:lease_id http.response.status_code=404",
		"GET /v1/users http.request.method=GET url.scheme=http http.route=/v1/users http.response.status_code=200",
		"GET http.request.method=GET url.scheme=http http.response.status_code=404",
		"DELETE http.request.method=DELETE url.scheme=http http.response.status_code=405",
		"POST /v1/leases http.request.method=POST url.scheme=http http.route=/v1/leases http.response.status_code=404",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestTheSpanOfAFailureSaysWhichItIsWithoutItsText(t *testing.T) {
	for name, test := range map[string]struct {
		fault error
		want  string
	}{
		"a bug":        {errors.New("no such column"), "internal"},
		"no store now": {ports.ErrUnavailable, "store_unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			broken := failing(test.fault)
			server, ended := newTracedServer(broken, broken, new(logBuffer))
			serve(t, server).get("/v1/pools")
			span := ended.GetSpans()[0]
			if span.Status != (sdk.Status{Code: codes.Error}) || !slices.Contains(span.Attributes, attribute.String("error.type", test.want)) {
				t.Errorf("the span has the status %v and the attributes %v, want the error %s", span.Status, span.Attributes, test.want)
			}
			if len(span.Events) > 0 {
				t.Errorf("the span has the events %v", span.Events)
			}
		})
	}
}

func TestWhatMonitoringAsksIsNotTraced(t *testing.T) {
	store := memory.New()
	server, ended := newTracedServer(mustFarm(store, settings), store, new(logBuffer))
	c := serve(t, server)
	c.get("/healthz").want(200)
	c.get("/readyz").want(200)
	c.get("/metrics").want(404)
	if spans := ended.GetSpans(); len(spans) > 0 {
		t.Errorf("%d spans, want none", len(spans))
	}
}

// TestARequestIsPartOfTheTraceOfItsCaller follows https://www.w3.org/TR/trace-context/.
func TestARequestIsPartOfTheTraceOfItsCaller(t *testing.T) {
	for name, test := range map[string]struct {
		header nethttp.Header
		joins  bool
	}{
		"recorded":        {nethttp.Header{"Traceparent": {"00-" + callersTrace + "-" + callersSpan + "-01"}}, true},
		"a later version": {nethttp.Header{"Traceparent": {"01-" + callersTrace + "-" + callersSpan + "-01-more"}}, true},
		"with a state":    {nethttp.Header{"Traceparent": {"00-" + callersTrace + "-" + callersSpan + "-01"}, "Tracestate": {"a=1", "b=2"}}, true},
		"none":            {nil, false},
		"zero":            {nethttp.Header{"Traceparent": {"00-" + strings.Repeat("0", 32) + "-" + callersSpan + "-01"}}, false},
		"upper case":      {nethttp.Header{"Traceparent": {"00-" + strings.ToUpper(callersTrace) + "-" + callersSpan + "-01"}}, false},
		"no trace":        {nethttp.Header{"Traceparent": {"password"}}, false},
		"twice": {nethttp.Header{"Traceparent": {
			"00-" + callersTrace + "-" + callersSpan + "-01", "00-" + callersTrace + "-" + callersSpan + "-01",
		}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			store, text := memory.New(), new(logBuffer)
			server, ended := newTracedServer(mustFarm(store, settings), store, text)
			serve(t, server).sendWith(test.header, "GET", "/v1/pools", "").want(200)
			span := ended.GetSpans()[0]
			joins := span.SpanContext.TraceID().String() == callersTrace && span.Parent.SpanID().String() == callersSpan
			if joins != test.joins || !joins && span.Parent.IsValid() {
				t.Errorf("the span has the parent %v", span.Parent)
			}
			if state := span.SpanContext.TraceState().String(); state != strings.Join(test.header["Tracestate"], ",") {
				t.Errorf("the state is %s", state)
			}
			id := span.SpanContext.TraceID().String()
			if want := " trace_id=" + id + " traceparent=00-" + id + "-" + span.SpanContext.SpanID().String() + "-01\n"; !strings.HasSuffix(text.String(), want) {
				t.Errorf("the log is %s, want %s", text, want)
			}
		})
	}
}

func TestWithoutTracesTheLogNamesTheSpanOfTheCaller(t *testing.T) {
	var text logBuffer
	log := slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: withoutChance}))
	store := memory.New()
	c := serve(t, newLoggingServer(openGate{mustFarm(store, settings)}, store, log))
	sent := "00-" + callersTrace + "-" + callersSpan + "-00"
	c.sendWith(nethttp.Header{"Traceparent": {sent}}, "GET", "/v1/pools", "").want(200)
	c.sendWith(nethttp.Header{"Traceparent": {"password"}}, "GET", "/v1/pools", "").want(200)
	want := "level=DEBUG msg=request method=GET route=/v1/pools status=200 trace_id=" + callersTrace + " traceparent=" + sent + "\n" +
		"level=DEBUG msg=request method=GET route=/v1/pools status=200\n"
	if text.String() != want {
		t.Errorf("got\n%s\nwant\n%s", text.String(), want)
	}
}

func TestWithoutTracesARequestAllocatesNothingForThem(t *testing.T) {
	app := fiber.New()
	var request fasthttp.RequestCtx
	request.Request.Header.Set("Traceparent", "00-"+callersTrace+"-"+callersSpan+"-01")
	c := app.AcquireCtx(&request)
	defer app.ReleaseCtx(c)
	traced := http.RequestTracer(http.Settings{})
	if allocated := testing.AllocsPerRun(1000, func() { traced(c) }); allocated != 0 {
		t.Errorf("%v allocations, want none", allocated)
	}
}
