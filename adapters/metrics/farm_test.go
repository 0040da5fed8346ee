package metrics_test

import (
	"context"
	"io"
	"log/slog"
	"maps"
	"net"
	nethttp "net/http"
	"os"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/userfarm/userfarm/adapters/http"
	"github.com/userfarm/userfarm/adapters/memory"
	"github.com/userfarm/userfarm/adapters/metrics"
	"github.com/userfarm/userfarm/app"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/login"
	"github.com/userfarm/userfarm/ports"
)

// measuredFarm is a farm whose metrics are read over HTTP. It needs no API key.
type measuredFarm struct {
	*testing.T
	url   string
	store *memory.Store
	ports.Farm
}

var (
	discard = slog.New(slog.DiscardHandler)
	stage   = domain.Pool{ProjectID: domain.ProjectID{0: 0xa, 15: 1}, Env: "stage", Domain: "shop"}
)

// measure returns a farm whose metrics ask the store that wrap returns.
func measure(t *testing.T, wrap func(*memory.Store) metrics.Store) measuredFarm {
	t.Helper()
	measured := metrics.New("")
	store := memory.NewWith(login.Rule{}, measured)
	measured.Read(wrap(store), discard)
	farm, err := app.New(store, app.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	gate := measured.Gate(app.NewGate(farm, true))
	_, within, err := gate.Enter(t.Context(), domain.Token{})
	if err != nil {
		t.Fatal(err)
	}
	server, err := http.New(gate, store, http.Settings{
		Limits: http.DefaultLimits(), Metrics: measured.Page(discard), Answered: measured.Request,
	}, discard)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		if err := server.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return measuredFarm{T: t, url: "http://" + listener.Addr().String(), store: store, Farm: within}
}

func newFarm(t *testing.T) measuredFarm {
	t.Helper()
	return measure(t, func(store *memory.Store) metrics.Store { return store })
}

// page returns the page with metrics in the format that a header asks for.
func (f measuredFarm) page(accept string) (text string, format expfmt.Format) {
	f.Helper()
	request, err := nethttp.NewRequestWithContext(f.Context(), "GET", f.url+"/metrics", nil)
	if err != nil {
		f.Fatal(err)
	}
	request.Header.Set("Accept", accept)
	response, err := nethttp.DefaultClient.Do(request)
	if err != nil {
		f.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != nethttp.StatusOK {
		f.Fatalf("GET /metrics = %d %s (%v)", response.StatusCode, body, err)
	}
	return string(body), expfmt.ResponseFormat(response.Header)
}

// families returns the metrics by their names, as Prometheus reads them from the page.
func (f measuredFarm) families() map[string]*dto.MetricFamily {
	f.Helper()
	f.page("text/plain") // so that a request is on record
	text, format := f.page("text/plain")
	if format.FormatType() != expfmt.TypeTextPlain {
		f.Fatalf("the page is %s", format)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		f.Fatal(err)
	}
	return families
}

// wantSamples checks the number of observations, or the value, of each series of a metric.
func (f measuredFarm) wantSamples(name string, want map[string]float64) {
	f.Helper()
	got := map[string]float64{}
	for _, metric := range f.families()[name].GetMetric() {
		value := metric.GetGauge().GetValue() + metric.GetCounter().GetValue() + float64(metric.GetHistogram().GetSampleCount())
		if key := labelsOf(metric); value != 0 || want[key] != 0 {
			got[key] = value
		}
	}
	if !maps.Equal(got, want) {
		f.Errorf("%s = %v, want %v", name, got, want)
	}
}

// labelsOf returns the values of the labels of a series, in the order of their names.
func labelsOf(metric *dto.Metric) string {
	values := map[string]string{}
	for _, label := range metric.GetLabel() {
		values[label.GetName()] = label.GetValue()
	}
	var all []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		all = append(all, values[name])
	}
	return strings.Join(all, " ")
}

func (f measuredFarm) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

// add adds a user to a pool.
func (f measuredFarm) add(pool domain.Pool, name string) domain.UserID {
	f.Helper()
	user, err := f.CreateUser(f.Context(), domain.Spec{Login: name, Password: domain.NewSecret("pw"), Pool: pool}, domain.IdempotencyKey{})
	f.must(err)
	return user.ID
}

func (f measuredFarm) acquire(terms domain.Terms, want ...domain.Selector) domain.Lease {
	f.Helper()
	lease, err := f.Acquire(f.Context(), want, terms, domain.IdempotencyKey{})
	f.must(err)
	return lease
}

func in(pool domain.Pool) domain.Selector {
	return domain.Selector{ProjectID: pool.ProjectID, Env: pool.Env, Domain: pool.Domain}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func writeFile(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}
