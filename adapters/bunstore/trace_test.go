package bunstore

import (
	"context"
	"errors"
	"slices"
	"testing"

	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/userfarm/userfarm/domain/ledger"
	"github.com/userfarm/userfarm/ports"
)

// newTraces returns a tracer, and the spans that have ended.
func newTraces(t *testing.T, sampler sdk.Sampler) (trace.Tracer, *tracetest.InMemoryExporter) {
	t.Helper()
	ended := tracetest.NewInMemoryExporter()
	provider := sdk.NewTracerProvider(sdk.WithSyncer(ended), sdk.WithSampler(sampler))
	return provider.Tracer("test"), ended
}

func spansNamed(ended *tracetest.InMemoryExporter, name string) tracetest.SpanStubs {
	return slices.DeleteFunc(ended.GetSpans(), func(s tracetest.SpanStub) bool { return s.Name != name })
}

// TestACommitAndTheRequestsThatItServesAreLinked lets three requests share a commit.
func TestACommitAndTheRequestsThatItServesAreLinked(t *testing.T) {
	tracer, ended := newTraces(t, sdk.AlwaysSample())
	engine, store, ids := newFakeEngine(4)
	held, resume := engine.holdCommit(t.Context(), t, store, ids[0], nil)
	var requests []trace.Span
	var answers []<-chan error
	for _, id := range ids[1:] {
		ctx, request := tracer.Start(t.Context(), "request")
		requests = append(requests, request)
		answers = append(answers, startUpdate(ctx, t, store, id, lockOpen))
	}
	resume()
	for _, answer := range append(answers, held) {
		if err := <-answer; err != nil {
			t.Fatal(err)
		}
	}
	for _, request := range requests {
		request.End()
	}

	commits := spansNamed(ended, "commit")
	if len(commits) != 1 { // that of the held update was asked for by nobody
		t.Fatalf("%d commits, want 1", len(commits))
	}
	commit := commits[0]
	if commit.Parent.SpanID() != requests[0].SpanContext().SpanID() {
		t.Error("the commit is not a part of the first request")
	}
	if len(commit.Links) != 2 || commit.Links[0].SpanContext.SpanID() != requests[1].SpanContext().SpanID() ||
		commit.Links[1].SpanContext.SpanID() != requests[2].SpanContext().SpanID() {
		t.Errorf("the commit has the links %v, want the other two requests", commit.Links)
	}
	for _, request := range spansNamed(ended, "request") {
		first := request.SpanContext.SpanID() == requests[0].SpanContext().SpanID()
		linked := len(request.Links) == 1 && request.Links[0].SpanContext.SpanID() == commit.SpanContext.SpanID()
		if linked == first {
			t.Errorf("a request has the links %v; the first is to have none, the others the commit", request.Links)
		}
	}
}

func TestACommitIsPartOfTheTraceOfARequestThatIsRecorded(t *testing.T) {
	recorded, ended := newTraces(t, sdk.AlwaysSample())
	unrecorded, _ := newTraces(t, sdk.NeverSample())
	engine, store, ids := newFakeEngine(3)
	held, resume := engine.holdCommit(t.Context(), t, store, ids[0], nil)
	without, _ := unrecorded.Start(t.Context(), "request")
	with, request := recorded.Start(t.Context(), "request")
	answers := []<-chan error{startUpdate(without, t, store, ids[1], lockOpen), startUpdate(with, t, store, ids[2], lockOpen), held}
	resume()
	for _, answer := range answers {
		if err := <-answer; err != nil {
			t.Fatal(err)
		}
	}
	commits := spansNamed(ended, "commit")
	if len(commits) != 1 || commits[0].Parent.SpanID() != request.SpanContext().SpanID() || len(commits[0].Links) != 0 {
		t.Errorf("the commits are %v, want one, of the recorded request", commits)
	}
}

func TestACommitThatFailsSaysSoWithoutTheTextOfTheError(t *testing.T) {
	tracer, ended := newTraces(t, sdk.AlwaysSample())
	engine, store, ids := newFakeEngine(1)
	engine.onCommit = func(Changes) error { return errors.New("duplicate key value: password") }
	ctx, request := tracer.Start(t.Context(), "request")
	if _, err := store.Update(ctx, ports.ByUser(ids[0]), lockOpen); err == nil {
		t.Error("the update succeeded")
	}
	request.End()
	commits := spansNamed(ended, "commit")
	if len(commits) == 0 || commits[0].Status != (sdk.Status{Code: codes.Error}) || len(commits[0].Events) > 0 {
		t.Errorf("the commits are %v, want one with an error that has no text", commits)
	}
}

// TestWithoutTracesNothingIsAllocatedForThem covers what a store does for traces in each call.
func TestWithoutTracesNothingIsAllocatedForThem(t *testing.T) {
	_, store, _ := newFakeEngine(0)
	tracer, _ := newTraces(t, sdk.NeverSample())
	unrecorded, _ := tracer.Start(t.Context(), "request")
	for name, ctx := range map[string]context.Context{"off": t.Context(), "not sampled": unrecorded} {
		t.Run(name, func(t *testing.T) {
			var group [3]ticket
			allocated := testing.AllocsPerRun(1000, func() {
				var of served
				for i := range group {
					group[i].span = trace.SpanFromContext(ctx)
					of.add(group[i].span)
				}
				end := store.traceCommit(of)
				end(nil)
				endWait(traceWait(ctx), ledger.ErrShort)
			})
			if allocated != 0 {
				t.Errorf("%v allocations, want none", allocated)
			}
		})
	}
}
