package main_test

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// sums are numbers of things that happened, by their names: "event released", "wait granted", "hold expired", "POST /v1/leases 201".
type sums map[string]int

// summed are the metrics that count what clients do, the labels by which they count it, and what begins its name.
var summed = map[string]struct {
	begins string
	labels []string
}{
	"userfarm_events_total":                  {"event ", []string{"kind"}},
	"userfarm_acquire_wait_seconds":          {"wait ", []string{"outcome"}},
	"userfarm_hold_seconds":                  {"hold ", []string{"end"}},
	"userfarm_http_request_duration_seconds": {"", []string{"method", "route", "status"}},
}

// readSums adds up the metrics of farms over their pools.
func readSums(t *testing.T, addresses ...string) sums {
	t.Helper()
	all := sums{}
	client := http.Client{Timeout: 10 * time.Second}
	for _, address := range addresses {
		response, err := client.Get("http://" + address + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		parser := expfmt.NewTextParser(model.LegacyValidation)
		families, err := parser.TextToMetricFamilies(response.Body)
		response.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		for name, sum := range summed {
			for _, metric := range families[name].GetMetric() {
				all[sum.begins+labelsOf(metric, sum.labels)] += int(metric.GetCounter().GetValue()) + int(metric.GetHistogram().GetSampleCount())
			}
		}
	}
	return all
}

func labelsOf(metric *dto.Metric, names []string) string {
	values := make([]string, len(names))
	for i, name := range names {
		for _, label := range metric.GetLabel() {
			if label.GetName() == name {
				values[i] = label.GetValue()
			}
		}
	}
	return strings.Join(values, " ")
}

// without returns the sums but for nothing, for requests that no client of a test counts, and for others that are named.
func (s sums) without(others ...string) sums {
	left := sums{}
	for name, n := range s {
		uncounted := strings.Contains(name, " /readyz ") || strings.Contains(name, " /metrics ") || slices.Contains(others, name)
		if n != 0 && !uncounted {
			left[name] = n
		}
	}
	return left
}

// tally is what the clients of a test have counted.
type tally struct {
	mu   sync.Mutex
	sums sums
}

func (c *tally) add(names ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sums == nil {
		c.sums = sums{}
	}
	for _, name := range names {
		c.sums[name]++
	}
}

var idsInPaths = regexp.MustCompile(`/(leases|users)/[^/]+`)

// answered counts a request and its answer.
func (c *tally) answered(method, path string, status int) {
	path, _, _ = strings.Cut(path, "?")
	route := idsInPaths.ReplaceAllStringFunc(path, func(part string) string {
		return map[string]string{"/leases": "/leases/:lease_id", "/users": "/users/:user_id"}[part[:strings.LastIndex(part, "/")]]
	})
	c.add(fmt.Sprint(method, " ", route, " ", status))
}

// wantMetrics fails the test unless the metrics of farms add up to what clients have counted. It may take two minutes until a claim that gave
// up is on record, and locks expire later, too.
func (c *tally) wantMetrics(t *testing.T, addresses []string, but ...string) {
	t.Helper()
	want := c.sums.without(but...)
	var got sums
	for range 1200 {
		if got = readSums(t, addresses...).without(but...); maps.Equal(got, want) {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	for name := range want {
		if got[name] != want[name] {
			t.Errorf("%s: the metrics have %d, the clients counted %d", name, got[name], want[name])
		}
	}
	for name, n := range got {
		if want[name] == 0 {
			t.Errorf("%s: the metrics have %d, the clients counted none", name, n)
		}
	}
}
