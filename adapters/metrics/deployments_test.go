package metrics_test

import (
	"context"
	"encoding/json"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"go.yaml.in/yaml/v4"

	"github.com/userfarm/userfarm/domain"
)

// These tests compare what an operator gives to Grafana and to Prometheus with the metrics of a farm.

const (
	dashboardFile = "../../deployments/grafana/userfarm.json"
	rulesFile     = "../../deployments/prometheus/rules.yaml"
)

// dashboard is the part of Grafana's format that these tests are about.
type dashboard struct {
	Panels []struct {
		ID      int
		Title   string
		Type    string
		GridPos struct{ H, W, X, Y int }
		Targets []struct{ Expr string }
	}
	Templating struct {
		List []struct {
			Name       string
			Definition string
		}
	}
}

func readDashboard(t *testing.T) (read dashboard) {
	t.Helper()
	if err := json.Unmarshal([]byte(readFile(t, dashboardFile)), &read); err != nil {
		t.Fatal(err)
	}
	return read
}

// queriesOf returns the queries of the dashboard and of the rules.
func queriesOf(t *testing.T) (queries []string) {
	t.Helper()
	board := readDashboard(t)
	for _, panel := range board.Panels {
		for _, target := range panel.Targets {
			queries = append(queries, target.Expr)
		}
	}
	for _, variable := range board.Templating.List {
		queries = append(queries, variable.Definition)
	}
	var rules struct {
		Groups []struct {
			Rules []struct{ Expr string }
		}
	}
	if err := yaml.Unmarshal([]byte(readFile(t, rulesFile)), &rules); err != nil {
		t.Fatal(err)
	}
	for _, group := range rules.Groups {
		for _, rule := range group.Rules {
			queries = append(queries, rule.Expr)
		}
	}
	return queries
}

var (
	metricNames = regexp.MustCompile(`\b(?:userfarm|process)_[a-z_]+`)
	groupings   = regexp.MustCompile(`by \(([^)]*)\)`)
	matchers    = regexp.MustCompile(`([a-z_]+)=~?"`)
)

func TestEveryQueryIsAboutMetricsAndLabelsThatExist(t *testing.T) {
	f := newFarm(t)
	f.add(stage, "ann")
	f.must(f.Release(f.Context(), f.acquire(domain.Terms{}, in(stage)).ID))
	families := f.families()
	labels := map[string]bool{"job": true, "instance": true, "le": true, "refId": true}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			for _, label := range metric.GetLabel() {
				labels[label.GetName()] = true
			}
		}
	}
	var used []string
	queries := queriesOf(t)
	for _, query := range queries {
		for _, name := range metricNames.FindAllString(query, -1) {
			series := name
			for _, suffix := range []string{"_bucket", "_sum", "_count"} {
				if base, is := strings.CutSuffix(name, suffix); is && families[base].GetType() == dto.MetricType_HISTOGRAM {
					series = base
				}
			}
			if families[series] == nil || series == name && families[series].GetType() == dto.MetricType_HISTOGRAM {
				t.Errorf("there is no metric %s, in %s", name, query)
			}
			used = append(used, series)
		}
		for _, grouping := range groupings.FindAllStringSubmatch(query, -1) {
			for label := range strings.SplitSeq(grouping[1], ", ") {
				if !labels[label] {
					t.Errorf("there is no label %s, in %s", label, query)
				}
			}
		}
		for _, matcher := range matchers.FindAllStringSubmatch(query, -1) {
			if !labels[matcher[1]] {
				t.Errorf("there is no label %s, in %s", matcher[1], query)
			}
		}
	}
	for name := range families {
		if strings.HasPrefix(name, "userfarm_") && !slices.Contains(used, name) {
			t.Errorf("nothing shows %s", name)
		}
	}
}

func TestPanelsHaveTheirOwnPlacesAndIDs(t *testing.T) {
	type place struct{ x, y int }
	taken, ids := map[place]string{}, map[int]bool{}
	for _, panel := range readDashboard(t).Panels {
		if panel.Title == "" || ids[panel.ID] || panel.Type != "row" && len(panel.Targets) == 0 {
			t.Errorf("panel %d %q has no title, no query, or the id of another one", panel.ID, panel.Title)
		}
		ids[panel.ID] = true
		for x := panel.GridPos.X; x < panel.GridPos.X+panel.GridPos.W; x++ {
			for y := panel.GridPos.Y; y < panel.GridPos.Y+panel.GridPos.H; y++ {
				if other := taken[place{x, y}]; other != "" || x >= 24 {
					t.Fatalf("%q is at the place of %q, or beside the page", panel.Title, other)
				}
				taken[place{x, y}] = panel.Title
			}
		}
	}
	if len(ids) < 15 {
		t.Errorf("there are %d panels", len(ids))
	}
}

// Prometheus itself must understand every query: a rule for each one is enough for promtool to parse it.
func TestPrometheusUnderstandsEveryQuery(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed; CI installs it")
	}
	type rule struct {
		Record string `yaml:"record"`
		Expr   string `yaml:"expr"`
	}
	var rules []rule
	for _, query := range queriesOf(t) {
		if strings.HasPrefix(query, "label_values(") || query == "" {
			continue
		}
		rules = append(rules, rule{"checked", strings.NewReplacer("$__rate_interval", "5m", "$", "").Replace(query)})
	}
	text, err := yaml.Marshal(map[string]any{"groups": []any{map[string]any{"name": "queries", "rules": rules}}})
	if err != nil {
		t.Fatal(err)
	}
	path := t.TempDir() + "/queries.yaml"
	writeFile(t, path, text)
	out, err := exec.CommandContext(context.Background(), promtool, "check", "rules", "--lint=none", path).CombinedOutput()
	if err != nil || len(rules) < 20 {
		t.Errorf("%d queries: %v\n%s", len(rules), err, out)
	}
}
