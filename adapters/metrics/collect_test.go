package metrics_test

import (
	"net/http/httptest"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/userfarm/userfarm/adapters/metrics"
)

// collect returns the metrics that a page has now, without a network.
func collect(t *testing.T, measured *metrics.Metrics) map[string]*dto.MetricFamily {
	t.Helper()
	page := httptest.NewRecorder()
	measured.Page(discard).ServeHTTP(page, httptest.NewRequest("GET", "/metrics", nil))
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(page.Body)
	if err != nil {
		t.Fatal(err)
	}
	return families
}
