package main_test

import (
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"

	collectorv1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// The traces that callers ask for, and their span in these.
const (
	holderTrace  = "0af7651916cd43dd8448eb211c80319c"
	waiterTrace  = "1bf7651916cd43dd8448eb211c80319d"
	releaseTrace = "2cf7651916cd43dd8448eb211c80319e"
	callerSpan   = "b7ad6b7169203331"
)

// asked returns a traceparent for one of them.
func asked(trace string) string { return "00-" + trace + "-" + callerSpan + "-01" }

// collector receives traces over OTLP. Farms that are started after it send it theirs.
type collector struct {
	t *testing.T

	mu        sync.Mutex
	received  []byte // all that farms sent
	resources []map[string]string
	spans     []span
}

// span is one that was received. Ids are in hex.
type span struct {
	*tracev1.Span
	traceID, id, parent string
	attributes          map[string]string
	links               []string // the ids of spans
}

func newCollector(t *testing.T) *collector {
	t.Helper()
	c := &collector{t: t}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.URL)
	return c
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var request collectorv1.ExportTraceServiceRequest
	if err != nil || r.URL.Path != "/v1/traces" || proto.Unmarshal(body, &request) != nil {
		c.t.Errorf("%s %s is not what OTLP sends (%v)", r.Method, r.URL, err)
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.received = append(c.received, body...)
	for _, from := range request.ResourceSpans {
		resource := make(map[string]string)
		for _, a := range from.Resource.Attributes {
			resource[a.Key] = a.Value.GetStringValue()
		}
		c.resources = append(c.resources, resource)
		for _, scope := range from.ScopeSpans {
			for _, sent := range scope.Spans {
				c.spans = append(c.spans, newSpan(sent))
			}
		}
	}
}

func newSpan(sent *tracev1.Span) span {
	s := span{
		Span: sent, traceID: hex.EncodeToString(sent.TraceId), id: hex.EncodeToString(sent.SpanId),
		parent: hex.EncodeToString(sent.ParentSpanId), attributes: make(map[string]string),
	}
	for _, a := range sent.Attributes {
		if s.attributes[a.Key] = a.Value.GetStringValue(); s.attributes[a.Key] == "" {
			s.attributes[a.Key] = strconv.FormatInt(a.Value.GetIntValue(), 10)
		}
	}
	for _, l := range sent.Links {
		s.links = append(s.links, hex.EncodeToString(l.SpanId))
	}
	return s
}

// all returns the spans that have a name.
func (c *collector) all(name string) (found []span) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.spans {
		if s.Name == name {
			found = append(found, s)
		}
	}
	return found
}

// one returns the span of a trace that has a name. There must be exactly one.
func (c *collector) one(traceID, name string) span {
	c.t.Helper()
	var found []span
	for _, s := range c.all(name) {
		if s.traceID == traceID {
			found = append(found, s)
		}
	}
	if len(found) != 1 {
		c.t.Fatalf("the trace %s has %d spans %q, want 1", traceID, len(found), name)
	}
	return found[0]
}
